import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  Inject,
  NotFoundException,
  Query,
  Req,
  Res,
  SetMetadata,
  UseGuards,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { toHttpError } from '../errors/http-error.js';
import { SseSignal } from '../handler/parameters.decorator.js';
import { Sse } from '../handler/sse.decorator.js';
import { html, ICON } from './html.js';
import { Inspection } from './inspection.js';
import { inspectorEvents } from './inspector.events.js';
import type { SseInspectorOptions } from './inspector.options.js';
import { NodeReports } from './node-reports.js';
import { SCRIPT, STYLE } from './page.bundle.js';

/** Only files of the application itself: no other scripts and styles, also none that a hostile value would bring. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The metadata of `@ApiExcludeController()` of `@nestjs/swagger`. The page is not a part of the API of the application. */
const NOT_IN_API_DOCUMENT = 'swagger/apiExcludeController';

/** Makes the controller of the page, with its path and guards. */
export function inspectorController({ path = 'streams', guards = [], user }: SseInspectorOptions): Type {
  @SetMetadata(NOT_IN_API_DOCUMENT, [true])
  @UseGuards(...guards)
  @Controller({ path, version: VERSION_NEUTRAL })
  class SseInspectorController {
    constructor(
      @Inject(Inspection) private readonly inspection: Inspection,
      @Inject(NodeReports) private readonly reports: NodeReports,
      @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    ) {}

    @Get()
    page(@Req() request: { originalUrl?: string; url: string }, @Res() response: object): void {
      this.send(response, 'text/html; charset=utf-8', html(request.originalUrl ?? request.url));
    }

    @Get('inspector.js')
    script(@Res() response: object): void {
      this.send(response, 'text/javascript; charset=utf-8', SCRIPT);
    }

    @Get('inspector.css')
    style(@Res() response: object): void {
      this.send(response, 'text/css; charset=utf-8', STYLE);
    }

    @Get('inspector.svg')
    icon(@Res() response: object): void {
      this.send(response, 'image/svg+xml', ICON);
    }

    @Sse('events', { events: inspectorEvents, heartbeat: 15_000 })
    async *events(@SseSignal() signal: AbortSignal) {
      yield inspectorEvents.settings({ users: user !== undefined, node: this.reports.node });
      for await (const report of this.inspection.watch(signal)) yield inspectorEvents.node(report);
    }

    /** DELETE, which a page of another origin cannot send without the consent of the application. */
    @Delete('connections')
    async close(@Query('node') node: unknown, @Query('id') id: unknown) {
      const closed = await this.inspection.close(named(node, 'node'), named(id, 'id'));
      if (!closed) throw new NotFoundException('This connection is not open any more.');
      return { closed };
    }

    @Delete('users')
    async closeUser(@Query('user') user: unknown) {
      return { closed: await this.inspection.closeUser(named(user, 'user')) };
    }

    @Delete('runs')
    async stopRun(@Query('id') id: unknown) {
      try {
        return { stopped: await this.inspection.stopRun(named(id, 'id')) };
      } catch (error) {
        throw toHttpError(error);
      }
    }

    // Sent directly: an interceptor that wraps the answers of the application would break the page.
    private send(response: object, type: string, body: string): void {
      const adapter = this.host.httpAdapter;
      const headers = {
        'Content-Type': type,
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Cache-Control': 'no-store',
      };
      for (const [name, value] of Object.entries(headers)) adapter.setHeader(response, name, value);
      adapter.reply(response, body, 200);
    }
  }
  return SseInspectorController;
}

function named(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new BadRequestException(`The query parameter "${name}" is missing.`);
}
