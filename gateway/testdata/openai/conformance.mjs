// What OpenAI's own client for JavaScript sees of the gateway at argv[2]; the one at argv[3] answers slowly.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const make = (baseURL) => new OpenAI({ baseURL, apiKey: 'unused', maxRetries: 0 });
const client = make(process.argv[2]);
const messages = [{ role: 'user', content: 'hello' }];
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const words = 'word0 word1 word2 word3 word4 ';

const checks = {
  async 'a whole answer'() {
    const r = await client.chat.completions.create({ model: 'tiny', messages, logprobs: true, top_logprobs: 1, seed: 1 });
    assert.equal(r.choices[0].message.content, words);
    assert.equal(r.choices[0].logprobs.content.length, 5);
    assert.equal(r.usage.total_tokens, 12);
    assert.equal(r.funai.fee, 17);
  },
  async 'a stream with usage'() {
    const s = await client.chat.completions.create({ model: 'tiny', messages, stream: true, stream_options: { include_usage: true } });
    let text = '', usage;
    for await (const c of s) { text += c.choices[0]?.delta?.content ?? ''; usage = c.usage ?? usage; }
    assert.equal(text, words);
    assert.equal(usage.completion_tokens, 5);
  },
  async 'the stream helper'() {
    const final = await client.chat.completions.stream({ model: 'tiny', messages }).finalChatCompletion();
    assert.equal(final.choices[0].message.content, words);
  },
  async 'a stop string'() {
    const r = await client.chat.completions.create({ model: 'tiny', messages, stop: ['word2'] });
    assert.equal(r.choices[0].message.content, 'word0 word1 ');
    assert.equal(r.choices[0].finish_reason, 'stop');
  },
  async 'several answers'() {
    const r = await client.chat.completions.create({ model: 'tiny', messages, n: 2 });
    assert.deepEqual(r.choices.map((c) => c.message.content), [words, words]);
  },
  async tools() {
    const r = await client.chat.completions.create({ model: 'tiny', messages, tools, tool_choice: 'required' });
    const call = r.choices[0].message.tool_calls[0];
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
    const next = await client.chat.completions.create({ model: 'tiny', tools, messages: [...messages, r.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }] });
    assert.equal(next.choices[0].message.content, 'It is sunny');
    const s = await client.chat.completions.stream({ model: 'tiny', messages, tools }).finalChatCompletion();
    assert.equal(s.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');
  },
  async schema() {
    const r = await client.chat.completions.parse({ model: 'tiny', messages, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true } } });
    assert.deepEqual(JSON.parse(r.choices[0].message.content), { answer: 42 });
  },
  async completions() {
    const r = await client.completions.create({ model: 'tiny', prompt: 'once', max_tokens: 2 });
    assert.equal(r.choices[0].text, 'word0 word1 ');
    assert.equal(r.choices[0].finish_reason, 'length');
  },
  async responses() {
    const r = await client.responses.create({ model: 'tiny', instructions: 'be brief', input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }] });
    assert.equal(r.output_text, words);
    assert.equal(r.store, false);
    const final = await client.responses.stream({ model: 'tiny', input: 'hello' }).finalResponse();
    assert.equal(final.output_text, words);
    const called = await client.responses.stream({ model: 'tiny', input: 'hello', tools: [{ type: 'function', name: 'get_weather', parameters: {}, strict: false }] }).finalResponse();
    assert.equal(called.output[0].arguments, '{"city":"Paris"}');
    await assert.rejects(client.responses.create({ model: 'tiny', input: 'x', previous_response_id: 'resp_1' }), { status: 400, param: 'previous_response_id' });
  },
  async embeddings() { // this client asks for base64 by itself
    const r = await client.embeddings.create({ model: 'vectors', input: ['a', 'bcd'] });
    assert.deepEqual(Array.from(r.data[1].embedding), [3, 0.5, -1]);
  },
  async models() {
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.deepEqual(ids, ['tiny', 'plain', 'vectors']);
    assert.equal((await client.models.retrieve('tiny')).id, 'tiny');
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ model: 'nothing', messages }), (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
    await assert.rejects(client.chat.completions.create({ model: 'plain', messages, tools }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'tools');
    await assert.rejects(client.chat.completions.create({ model: 'tiny', messages, max_fee: 1 }), { status: 402, code: 'max_fee_too_low' });
    await assert.rejects(client.embeddings.create({ model: 'tiny', input: 'a' }), { status: 400 });
  },
  async cancel() {
    const abort = new AbortController();
    const s = await make(process.argv[3]).chat.completions.create({ model: 'tiny', messages, stream: true }, { signal: abort.signal });
    let n = 0;
    for await (const _ of s) if (++n === 3) abort.abort();
    assert.ok(n < 1000);
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log('ok', name);
  } catch (e) {
    console.error('FAILED', name, e);
    process.exitCode = 1;
  }
}
