// Runs programs on the reference implementation: one JSON document a line in, one line of results out. Programs of one
// epoch share a session, as each has a deployer of its own; a program that says "fresh" gets a session of its own.
// After a panic the process is of no more use, so it says so and ends.
import { createInterface } from "node:readline";
import { writeSync } from "node:fs";
import { getSDK } from "@stacks/clarinet-sdk";
import { Cl, serializeCV, deserializeCV } from "@stacks/transactions";

const perSession = 100;
const vm = await getSDK({ trackCosts: true, trackCoverage: false });
let epoch = "", played = 0;

async function begin(program) {
  if (program.fresh || epoch !== program.epoch || played >= perSession) {
    await vm.initEmptySession({ enabled: false });
    vm.setEpoch(program.epoch);
    played = 0;
  }
  epoch = program.fresh ? "" : program.epoch;
  played++;
  vm.deployer = program.deployer;
  for (const [who, amount] of Object.entries(program.balances ?? {})) vm.mintSTX(who, BigInt(amount));
}

class Panic extends Error {}

const hex = value => { const h = serializeCV(value); return typeof h === "string" ? h : Buffer.from(h).toString("hex"); };

function outcome(step) {
  try {
    const r = step();
    const { runtime, read_count, read_length, write_count, write_length } = Object.fromEntries(
      Object.entries(r.costs?.total ?? {}).map(([k, v]) => [k.replace(/[A-Z]/g, c => "_" + c.toLowerCase()), v]));
    return { hex: hex(r.result), events: r.events?.length ? r.events : undefined, cost: r.costs && [runtime, read_count, read_length, write_count, write_length] };
  } catch (e) {
    if (e instanceof WebAssembly.RuntimeError) throw new Panic(e.message);
    return { error: typeof e === "string" ? e : e?.message ?? String(e) };
  }
}

function call(program, c) {
  const of = program.contracts.find(x => x.name === c.contract)?.sender || program.deployer;
  const contract = c.contract.includes(".") ? c.contract : `${of}.${c.contract}`;
  const run = { public: vm.callPublicFn, read: vm.callReadOnlyFn, private: vm.callPrivateFn }[c.fn];
  return run(contract, c.method, (c.args ?? []).map(a => (a.hex ? deserializeCV(a.hex) : Cl.parse(a))), c.sender || program.deployer);
}

const plain = (key, v) => (typeof v === "bigint" ? v.toString() : v);

for await (const line of createInterface({ input: process.stdin })) {
  const program = JSON.parse(line);
  const result = { deploys: [], calls: [] };
  try {
    await begin(program);
    for (const c of program.contracts)
      result.deploys.push(outcome(() => vm.deployContract(c.name, c.source, { clarityVersion: c.clarityVersion }, c.sender || program.deployer)));
    for (const c of program.calls ?? []) {
      if (c.fn === "mine") {
        vm.mineEmptyBlocks(c.count ?? 1);
        result.calls.push({});
      } else result.calls.push(outcome(() => call(program, c)));
    }
  } catch (e) {
    result.panic = e?.message ?? String(e);
  }
  writeSync(1, JSON.stringify(result, plain) + "\n");
  if (result.panic) process.exit(0);
}
