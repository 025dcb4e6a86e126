import {
  Controller,
  ForbiddenException,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Req,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { nodeRequest, type FrameworkRequest } from '../rat-engine/node-request.js';
import { ReaderControl, type ReaderAction } from './reader-control.service.js';
import { Restart } from './restart.service.js';
import { SamePageGuard } from './same-page.guard.js';

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

/** The buttons of the page that disturb a stream. */
@Controller('live')
@UseGuards(SamePageGuard)
@UseFilters(SseErrorFilter)
export class ControlsController {
  constructor(
    private readonly readers: ReaderControl,
    private readonly restarts: Restart,
  ) {}

  /** Destroys the socket of a stream, like a network that fails. */
  @Post('readers/:reader/cut')
  @HttpCode(202)
  cut(@Param('reader') reader: string): Promise<{ reader: string }> {
    return this.#end(reader, 'cut');
  }

  /** Ends the response of a stream in order. The client reconnects, and a proxy may choose another node. */
  @Post('readers/:reader/close')
  @HttpCode(202)
  close(@Param('reader') reader: string): Promise<{ reader: string }> {
    return this.#end(reader, 'close');
  }

  @Post('restart')
  @HttpCode(202)
  restart(@Req() request: FrameworkRequest): { restarting: true } {
    const { remoteAddress = '' } = nodeRequest(request).socket;
    if (!LOOPBACK.test(remoteAddress) && process.env['DEMO_RESTART'] !== '1') {
      throw new ForbiddenException('Only a browser on the machine of the server can restart it.');
    }
    this.restarts.request();
    return { restarting: true };
  }

  async #end(reader: string, action: ReaderAction): Promise<{ reader: string }> {
    if (await this.readers.end(reader, action)) return { reader };
    throw new NotFoundException(`No open stream has the reader "${reader}".`);
  }
}
