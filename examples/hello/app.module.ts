import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Header, Module, Param } from '@nestjs/common';
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
