/**
 * Sends a POST request whose response is a stream, which `EventSource` does not support. Yields its events as `{
 * type, id, data }`. Throws an error with the message of the server if the request is rejected.
 */
export async function* postStream(url, body, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify(body),
    signal,
  });
  yield* readStream(response);
}

/** Yields the events of a response. Throws an error with the message of the server if the request was rejected. */
export async function* readStream(response) {
  if (!response.ok) throw new Error(await refusal(response));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event.data !== undefined) yield event;
    }
  }
}

function parsed(block) {
  const lines = block.split('\n').map((line) => /^([^:]*):? ?(.*)$/.exec(line));
  const values = (name) => lines.filter(([, field]) => field === name).map(([, , value]) => value);
  const data = values('data');
  return {
    type: values('event').at(-1) ?? 'message',
    id: values('id').at(-1) ?? '',
    data: data.length > 0 ? data.join('\n') : undefined,
  };
}

async function refusal(response) {
  const { message } = await response.json().catch(() => ({}));
  return `${response.status}: ${message ?? response.statusText}`;
}
