import { Controller, Header } from '@nestjs/common';
import { Sse, event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { spacedJson } from './spaced-json.js';

const EVENTS = 10;

/** The example service of tRPC-Cpp, whose client is `client.ts` beside this file. */
@Controller('sse')
export class TrpcCppController {
  @Sse('test', { serialize: spacedJson })
  @Header('Access-Control-Allow-Origin', '*')
  @Header('Access-Control-Allow-Headers', 'Cache-Control')
  *test(): Generator<SseEvent, void, undefined> {
    for (let idx = 0; idx < EVENTS; idx++)
      yield event({ type: 'message', id: idx, data: { msg: 'hello', idx } });
  }
}
