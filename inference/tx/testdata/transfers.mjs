// Makes transfers.json, the token transfers that tx_test.go checks our bytes, ids and signatures against. They come from
// npm @stacks/transactions 7.6.0, given our chain ids, so no code of ours has a part in them. In an empty folder:
//   npm install @stacks/transactions@7.6.0 @stacks/network@7.6.0 && node transfers.mjs transfers.json
import { writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createNetwork, STACKS_MAINNET, STACKS_TESTNET } from "@stacks/network";
import { makeUnsignedSTXTokenTransfer, privateKeyToPublic, publicKeyToAddressSingleSig, PostConditionMode, TransactionSigner, deserializeTransaction } from "@stacks/transactions";

const nets = {
  main: { ...createNetwork({ network: STACKS_MAINNET }), chainId: 0x46414900, transactionVersion: 0x00 },
  dev: { ...createNetwork({ network: STACKS_TESTNET }), chainId: 0x46414980, transactionVersion: 0x80 },
  stacks: { ...createNetwork({ network: STACKS_TESTNET }) },
};
const cases = [
  ["dev", 1234n, 0n, 200n, "hi", PostConditionMode.Deny],
  ["dev", 1n, 1n, 0n, "", PostConditionMode.Allow],
  ["main", 150000000n, 7n, 1000n, "thirty-four bytes of memo, exactly", PostConditionMode.Deny],
  ["main", 2100000000000000n, 18446744073709551615n, 18446744073709551615n, "§ ünï", PostConditionMode.Allow],
  ["stacks", 18446744073709551615n, 4294967296n, 1n, "", PostConditionMode.Deny],
];
const out = [];
for (let i = 0; i < 20; i++) {
  const [net, amount, nonce, fee, memo, postConditionMode] = cases[i % cases.length];
  const network = nets[net];
  const secret = createHash("sha256").update(`funai/vector/${i}`).digest("hex");
  const to = publicKeyToAddressSingleSig(privateKeyToPublic(createHash("sha256").update(`funai/to/${i}`).digest("hex") + "01"), network);
  const t = await makeUnsignedSTXTokenTransfer({ recipient: to, amount, publicKey: privateKeyToPublic(secret + "01"), network, memo, nonce, fee });
  t.anchorMode = 1 + (i % 3);
  t.postConditionMode = postConditionMode;
  new TransactionSigner(t).signOrigin(secret + "01");
  const hex = t.serialize();
  if (deserializeTransaction(hex).txid() !== t.txid()) throw new Error("round trip");
  out.push({ secret, signer: publicKeyToAddressSingleSig(privateKeyToPublic(secret + "01"), network), version: t.transactionVersion, chainId: t.chainId,
    nonce: nonce.toString(), fee: fee.toString(), anchorMode: t.anchorMode, postConditionMode, to, amount: amount.toString(), memo, txid: t.txid(), hex });
}
writeFileSync(process.argv[2], JSON.stringify(out, null, 1) + "\n");
