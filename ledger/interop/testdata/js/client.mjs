// A client of the ledger's RPC as one would write it with bitcoinjs-lib. It reads one JSON object from its standard input:
//
//   network  what bitcoinjs-lib calls a network: bech32, pubKeyHash, scriptHash, wif, bip32, messagePrefix
//   coins    optional: [{kind, txid, vout, value}], coins paid to the addresses below; value in base units
//   rpc      with coins: {url, user, password}
//
// Without coins it prints its addresses, {kind: address}. With them it builds, signs and sends, for each, a transaction
// that pays half to its P2TR address and half to its P2WPKH address, and prints [{kind, txid}].
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import * as ecc from '@bitcoinerlab/secp256k1';
import * as bitcoin from 'bitcoinjs-lib';
import { ECPairFactory } from 'ecpair';

bitcoin.initEccLib(ecc);
const ECPair = ECPairFactory(ecc);
const input = JSON.parse(readFileSync(0, 'utf8'));
const network = input.network;

// By way of WIF, so that the network's version of private keys is used too.
const secret = createHash('sha256').update('interop').digest();
const key = ECPair.fromWIF(ECPair.fromPrivateKey(secret, { network }).toWIF(), network);
const xOnly = bitcoin.toXOnly(key.publicKey);

// A second leaf, so that the control block holds a step of the path.
const leaf = { output: bitcoin.script.compile([xOnly, bitcoin.opcodes.OP_CHECKSIG]) };
const other = { output: bitcoin.script.compile([bitcoin.opcodes.OP_RETURN]) };

const payments = {
  p2wpkh: bitcoin.payments.p2wpkh({ pubkey: key.publicKey, network }),
  'p2tr key': bitcoin.payments.p2tr({ internalPubkey: xOnly, network }),
  'p2tr script': bitcoin.payments.p2tr({ internalPubkey: xOnly, scriptTree: [leaf, other], redeem: leaf, network }),
};

async function call(method, ...params) {
  const { url, user, password } = input.rpc;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64'),
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '1.0', id: 'client', method, params }),
  });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message} (${error.code})`);
  return result;
}

// spend builds and signs the transaction of one coin.
function spend({ kind, txid, vout, value }) {
  const payment = payments[kind];
  const psbt = new bitcoin.Psbt({ network });
  const utxo = { hash: txid, index: vout, witnessUtxo: { script: payment.output, value: BigInt(value) } };
  if (kind === 'p2tr key') utxo.tapInternalKey = xOnly;
  if (kind === 'p2tr script') {
    const controlBlock = payment.witness[payment.witness.length - 1];
    utxo.tapLeafScript = [{ leafVersion: payment.redeemVersion, script: leaf.output, controlBlock }];
  }
  psbt.addInput(utxo);
  const half = (BigInt(value) - 2_000n) / 2n;
  psbt.addOutput({ address: payments['p2tr key'].address, value: half });
  psbt.addOutput({ address: payments.p2wpkh.address, value: half });
  const signer = kind === 'p2tr key' ? key.tweak(bitcoin.crypto.taggedHash('TapTweak', xOnly)) : key;
  psbt.signInput(0, signer);
  psbt.finalizeAllInputs();
  return psbt.extractTransaction();
}

let output;
if (!input.coins) {
  output = Object.fromEntries(Object.entries(payments).map(([kind, payment]) => [kind, payment.address]));
} else {
  output = [];
  for (const coin of input.coins) {
    const txid = await call('sendrawtransaction', spend(coin).toHex());
    output.push({ kind: coin.kind, txid });
  }
}
console.log(JSON.stringify(output));
