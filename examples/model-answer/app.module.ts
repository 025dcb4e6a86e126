import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Delete, Get, Header, Module, Param, Post } from '@nestjs/common';
import { LastEventId, Runs, Sse, SseModule } from 'nestjs-event-stream';

/** Represents a language model: it repeats the prompt, word by word. */
async function* answer(prompt: string, signal: AbortSignal): AsyncGenerator<string> {
  for (const word of `You said: ${prompt}`.split(' ')) {
    await delay(100, undefined, { signal });
    yield `${word} `;
  }
}

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>Model answer</title>
<form><input name="prompt" value="What is an event stream?" /> <button>Ask</button></form>
<p></p>
<button id="stop">Stop</button>
<script>
  const text = document.querySelector('p');
  let id = location.hash.slice(1);
  let events;
  const read = () => {
    events?.close();
    text.textContent = '';
    events = new EventSource('/answers/' + id);
    events.onmessage = ({ data }) => text.append(data);
    events.addEventListener('stopped', () => text.append('(stopped)'));
    events.addEventListener('gap', () => (text.textContent = ''));
  };
  document.querySelector('form').onsubmit = async (submit) => {
    submit.preventDefault();
    const body = new URLSearchParams(new FormData(submit.target));
    ({ id } = await (await fetch('/answers', { method: 'POST', body })).json());
    // Reload the page, or open it in a second tab: the answer continues.
    location.hash = id;
    read();
  };
  document.querySelector('#stop').onclick = () => fetch('/answers/' + id, { method: 'DELETE' });
  if (id) read();
</script>`;

@Controller()
class AnswersController {
  constructor(private readonly runs: Runs) {}

  @Get()
  @Header('Content-Type', 'text/html')
  page() {
    return PAGE;
  }

  @Post('answers')
  async ask(@Body('prompt') prompt: string) {
    const id = randomUUID();
    await this.runs.start(id, (signal) => answer(prompt, signal));
    return { id };
  }

  @Sse('answers/:id')
  read(@Param('id') id: string, @LastEventId() after?: string) {
    return this.runs.attach(id, { after });
  }

  @Delete('answers/:id')
  async stop(@Param('id') id: string) {
    return { stopped: await this.runs.stop(id) };
  }
}

@Module({ imports: [SseModule.forRoot()], controllers: [AnswersController] })
export class AppModule {}
