import { make, newId, part, setEnabled } from './dom.js';
import { Pane } from './pane.js';
import { request } from './request.js';

const PATH = '/api/chat';

/** A chat whose id is in the address, so that a reload and a second tab find it. It reads the stream of the AI SDK. */
export function startChat() {
  const pane = new Pane('chat');
  const plug = part('chat-plug');
  const stop = part('chat-stop');
  const ask = part('chat-start');
  const list = part('chat-messages');
  const said = part('chat-said');
  const known = new URLSearchParams(location.search).get('chat');
  const chat = known ?? newId();
  const stream = `${PATH}/${chat}/stream`;
  let messages = [];
  let isUnplugged = false;

  const show = () => {
    list.replaceChildren(...messages.map(({ role, text }) => make('li', role, text)));
    list.scrollTop = list.scrollHeight;
  };
  const read = async (url, options) => {
    pane.restart();
    setUnplugged(false);
    said.textContent = '';
    let answer;
    let end;
    const onChunk = ({ data }) => {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data);
      if (chunk.type === 'start') {
        answer = messageOf(messages, chunk.messageId);
        for (const button of [plug, stop]) setEnabled(button, true);
        // A chat has one answer at a time.
        setEnabled(ask, false);
      } else if (chunk.type === 'text-delta') answer.text += chunk.delta;
      else if (chunk.type === 'finish') end = 'The answer is complete';
      else if (chunk.type === 'abort') end = 'The answer was stopped';
      else if (chunk.type === 'error') end = chunk.errorText;
      show();
    };
    const isEnded = await pane.read(url, onChunk, {
      reading: 'Reading the answer',
      reconnectAfterEnd: false,
      retry: false,
      ...options,
    });
    if (isUnplugged) return;
    for (const button of [plug, stop]) setEnabled(button, false);
    setEnabled(ask, true);
    if (!isEnded) return;
    pane.status(answer ? 'ended' : 'idle', end ?? 'No answer is being written');
    // A screen reader reads the answer once it is whole, not every word of it again with each event.
    said.textContent = answer?.text ?? '';
  };
  const resume = () => read(stream, {});
  const setUnplugged = (unplugged) => {
    isUnplugged = unplugged;
    plug.textContent = unplugged ? 'Reconnect' : 'Disconnect';
  };

  const address = `/?chat=${chat}#chat`;
  part('chat-tab').href = address;
  part('chat-reload').href = address;
  pane.on(
    'chat-form',
    async () => {
      const text = part('chat-question').value;
      const message = { id: newId(), role: 'user', text };
      history.replaceState(null, '', address);
      messages.push(message);
      show();
      const sent = { id: message.id, role: 'user', parts: [{ type: 'text', text }] };
      await read(PATH, { body: { id: chat, messages: [sent] } });
    },
    'submit',
  );
  pane.on('chat-stop', async () => {
    await request('DELETE', stream);
    if (isUnplugged) pane.status('idle', 'The answer was stopped. Reconnect to read it');
  });
  pane.on('chat-reload', () => {
    history.replaceState(null, '', address);
    location.reload();
  });
  pane.on('chat-plug', async () => {
    if (isUnplugged) return resume();
    setUnplugged(true);
    pane.stop('Disconnected. The answer continues without this page');
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

/** Finds or adds the message with an id, and removes its text, because a stream always begins with the first word. */
function messageOf(messages, id) {
  let message = messages.find((one) => one.id === id);
  if (message === undefined) messages.push((message = { id, role: 'assistant' }));
  message.text = '';
  return message;
}
