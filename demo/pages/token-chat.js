import { Pane } from './pane.js';
import { readStream } from './post-stream.js';
import { request } from './request.js';

const PATH = '/api/chat';
const UNPLUGGED = 'Disconnected: the answer continues without this page';

/** A chat whose id is in the address, so that a reload and a second tab find it. It reads the stream of the AI SDK. */
export function startTokenChat() {
  const pane = new Pane('token-chat');
  const form = document.getElementById('token-chat-form');
  const prompt = document.getElementById('token-chat-prompt');
  const plug = document.getElementById('token-chat-plug');
  const list = document.getElementById('token-chat-messages');
  const known = new URLSearchParams(location.search).get('chat');
  const chat = known ?? newId();
  const stream = `${PATH}/${chat}/stream`;
  let messages = [];
  let reading = new AbortController();

  const show = () => list.replaceChildren(...messages.map(asItem));
  const read = async (sent) => {
    reading = new AbortController();
    const { signal } = reading;
    pane.clear();
    try {
      const response = await fetch(...sent, signal);
      if (response.status === 204) return pane.status('idle', 'No answer is being written');
      plugged(true);
      pane.status('open', 'Reading the answer');
      const end = await follow(response, pane, (id) => {
        const answer = messageOf(messages, id);
        return (text) => {
          answer.text += text;
          show();
        };
      });
      pane.status(end.state, end.text);
    } catch (error) {
      if (!signal.aborted) pane.status('failed', error.message);
    } finally {
      if (!signal.aborted) plug.disabled = true;
    }
  };
  const fetch = (url, init, signal) => window.fetch(url, { ...init, signal });
  const resume = () => read([stream, {}]);
  const plugged = (isPlugged) => {
    plug.disabled = false;
    plug.textContent = isPlugged ? 'Disconnect' : 'Reconnect';
  };
  const ask = async () => {
    const message = { id: newId(), role: 'user', text: prompt.value };
    history.replaceState(null, '', `?chat=${chat}#token-chat`);
    pane.status('waiting', 'Sending the question');
    messages.push(message);
    show();
    await read([PATH, jsonPost({ id: chat, messages: [asSent(message)] })]);
  };

  document.getElementById('token-chat-tab').href = `/?chat=${chat}#token-chat`;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('submit', () => void ask());
  pane.buttons(
    () => undefined,
    () => request('DELETE', stream),
  );
  plug.addEventListener('click', () => {
    if (reading.signal.aborted) return void resume();
    reading.abort();
    plugged(false);
    pane.status('waiting', UNPLUGGED);
  });
  if (known === null) return;
  request('GET', `${PATH}/${chat}`)
    .then(({ messages: saved }) => {
      messages = saved.map(({ id, role, parts }) => ({ id, role, text: parts[0].text }));
      show();
      return resume();
    })
    .catch((error) => pane.status('failed', error.message));
}

/**
 * Reads the chunks of an answer. `begin` receives the id of the message and returns a function that receives its
 * text.
 */
async function follow(response, pane, begin) {
  let add = () => {};
  let end = { state: 'failed', text: 'The stream ended before the answer was complete' };
  for await (const event of readStream(response)) {
    pane.event(event);
    if (event.data === '[DONE]') break;
    const chunk = JSON.parse(event.data);
    if (chunk.type === 'start') add = begin(chunk.messageId);
    else if (chunk.type === 'text-delta') add(chunk.delta);
    else if (chunk.type === 'finish') end = { state: 'ended', text: 'The answer is complete' };
    else if (chunk.type === 'abort') end = { state: 'ended', text: 'The answer was stopped' };
    else if (chunk.type === 'error') end = { state: 'failed', text: chunk.errorText };
  }
  return end;
}

/** Finds or adds the message with an id, and removes its text, because a stream always begins with the first word. */
function messageOf(messages, id) {
  let message = messages.find((one) => one.id === id);
  if (message === undefined) messages.push((message = { id, role: 'assistant' }));
  message.text = '';
  return message;
}

function asItem({ role, text }) {
  const item = document.createElement('li');
  item.className = role;
  item.textContent = text;
  return item;
}

function asSent({ id, role, text }) {
  return { id, role, parts: [{ type: 'text', text }] };
}

function jsonPost(body) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
