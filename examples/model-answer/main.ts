import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Delete, Get, Header, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
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
<script>
  const text = document.querySelector('p');
  const read = (id) => {
    new EventSource('/answers/' + id).onmessage = ({ data }) => text.append(data);
  };
  document.querySelector('form').onsubmit = async (submit) => {
    submit.preventDefault();
    const body = new URLSearchParams(new FormData(submit.target));
    const { id } = await (await fetch('/answers', { method: 'POST', body })).json();
    // Reload the page, or open it in a second tab: the answer continues.
    location.hash = id;
    read(id);
  };
  if (location.hash) read(location.hash.slice(1));
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

export async function start(port: number) {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}

if (process.argv[1] === import.meta.filename) await start(Number(process.env['PORT'] ?? 3000));
