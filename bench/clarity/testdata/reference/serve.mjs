// Runs contracts on the reference implementation, as it is told: one JSON request a line on standard input, one answer a
// line on standard output. {deploy: {name, source, version}} answers {ms}; {call: {contract, function}, times} answers
// {result, ms: [one for each time]}; what goes wrong is {error}.
import { createInterface } from "node:readline";
import { getSDK } from "@stacks/clarinet-sdk";
import { Cl } from "@stacks/transactions";

const sender = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM";
const sim = await getSDK({ trackCosts: true, trackCoverage: false });
await sim.initEmptySession({ enabled: false });
sim.setEpoch(process.argv[2]);
sim.deployer = sender;

const timed = (f) => {
  const start = performance.now();
  const result = f();
  return [performance.now() - start, result];
};

const answer = ({ deploy, call, times }) => {
  if (deploy) {
    const [ms] = timed(() => sim.deployContract(deploy.name, deploy.source, { clarityVersion: deploy.version }, sender));
    return { ms: [ms] };
  }
  const ms = [];
  let result;
  for (let i = 0; i < times; i++) {
    const [took, r] = timed(() => sim.callPublicFn(`${sender}.${call.contract}`, call.function, [], sender));
    ms.push(took);
    result = r.result;
  }
  return { ms, result: Cl.serialize(result) };
};

for await (const line of createInterface({ input: process.stdin })) {
  let out;
  try {
    out = answer(JSON.parse(line));
  } catch (e) {
    out = { error: String(e?.message ?? e) };
  }
  console.log(JSON.stringify(out));
}
