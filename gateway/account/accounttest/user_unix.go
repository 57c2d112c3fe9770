//go:build unix

package accounttest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// other is the user to run as where we are root, whom PostgreSQL refuses: its own, or nobody.
func other() (uid, gid uint32, needed bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, err1 := strconv.ParseUint(u.Uid, 10, 32)
		group, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(id), uint32(group), true
		}
	}
	return 65534, 65534, true
}

func unprivileged(cmd *exec.Cmd) {
	if uid, gid, needed := other(); needed {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
}

func hand(dir string) error {
	if uid, gid, needed := other(); needed {
		return os.Chown(dir, int(uid), int(gid))
	}
	return nil
}
