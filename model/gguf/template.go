package gguf

import (
	"fmt"
	"strings"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// zephyrMark is in the chat templates of Zephyr, TinyLlama and their kin, whose turns end with the model's own end token.
// llama.cpp knows that form only with <|endoftext|>, takes these for Falcon's and leaves the end tokens out, after which
// TinyLlama repeats the question instead of answering it.
const zephyrMark = "'<|user|>\n' + message['content'] + eos_token"

// chatTemplate renders conversations as a model was trained to see them.
type chatTemplate struct {
	source string // of the GGUF; empty if it has none
	end    string // text of the end token, if the template is zephyr's
}

func readTemplate(m llama.Model, v llama.Vocab) chatTemplate {
	t := chatTemplate{source: llama.ModelChatTemplate(m, "")}
	if strings.Contains(strings.ReplaceAll(t.source, `\n`, "\n"), zephyrMark) {
		t.end = llama.VocabGetText(v, llama.VocabEOS(v))
	}
	return t
}

// render writes messages up to where the assistant speaks; a model without a template is given the contents, joined by
// newlines. Names of control tokens inside a content ("</s>") get an invisible space, or a user could end the turn and speak as
// somebody else.
func (t chatTemplate) render(messages []model.Message, defuse *strings.Replacer) (string, error) {
	contents := make([]string, len(messages))
	size := 1024
	for i, m := range messages {
		contents[i] = defuse.Replace(m.Content)
		size += len(contents[i]) + 64
	}
	switch {
	case t.source == "":
		return strings.Join(contents, "\n"), nil
	case t.end != "":
		var b strings.Builder
		for i, m := range messages {
			b.WriteString("<|" + m.Role + "|>\n" + contents[i] + t.end + "\n")
		}
		return b.String() + "<|assistant|>\n", nil
	}
	chat := make([]llama.ChatMessage, len(messages))
	for i, m := range messages {
		chat[i] = llama.NewChatMessage(m.Role, contents[i])
	}
	for {
		buffer := make([]byte, size)
		n := int(llama.ChatApplyTemplate(t.source, chat, true, buffer))
		if n < 0 {
			return "", fmt.Errorf("%w: chat template", model.ErrUnsupported)
		}
		if n <= len(buffer) {
			return string(buffer[:n]), nil
		}
		size = n
	}
}
