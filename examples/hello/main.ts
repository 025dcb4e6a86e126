import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Header, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Sse, SseModule, SseSignal } from 'nestjs-event-stream';

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>Hello</title>
<ol></ol>
<script>
  const list = document.querySelector('ol');
  new EventSource('/hello/Ada').onmessage = ({ data }) => {
    list.append(Object.assign(document.createElement('li'), { textContent: JSON.parse(data).greeting }));
  };
</script>`;

@Controller()
class HelloController {
  @Get()
  @Header('Content-Type', 'text/html')
  page() {
    return PAGE;
  }

  @Sse('hello/:name')
  async *hello(@Param('name') name: string, @SseSignal() signal: AbortSignal) {
    for (const greeting of ['Hello', 'Bonjour', '你好']) {
      yield { greeting, name };
      await delay(500, undefined, { signal });
    }
  }
}

@Module({ imports: [SseModule.forRoot()], controllers: [HelloController] })
export class AppModule {}

export async function start(port: number) {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app;
}

if (process.argv[1] === import.meta.filename) await start(Number(process.env['PORT'] ?? 3000));
