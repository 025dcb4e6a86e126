import { createReadStream } from 'node:fs';
import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { asset } from '../assets.js';

const SCRIPT = 'text/javascript; charset=utf-8';

/** The files of the page by name. No other file of the folder is served. */
const FILES: ReadonlyMap<string, string> = new Map([
  ['style.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
  ['page.js', SCRIPT],
  ['pane.js', SCRIPT],
  ['follow.js', SCRIPT],
  ['post-stream.js', SCRIPT],
  ['request.js', SCRIPT],
  ['rat-engine.js', SCRIPT],
  ['prcore.js', SCRIPT],
  ['timeplus.js', SCRIPT],
  ['board-game.js', SCRIPT],
  ['trpc-cpp.js', SCRIPT],
  ['token-chat.js', SCRIPT],
]);

/** Serves the index page and the files that it loads. */
@Controller()
export class PagesController {
  @Get()
  @Header('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'")
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  index(): StreamableFile {
    return page('index.html', 'text/html; charset=utf-8');
  }

  @Get('pages/:file')
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  file(@Param('file') file: string): StreamableFile {
    const type = FILES.get(file);
    if (type === undefined) throw new NotFoundException(`There is no page file "${file}".`);
    return page(file, type);
  }
}

function page(file: string, type: string): StreamableFile {
  return new StreamableFile(createReadStream(asset(`pages/${file}`)), { type });
}
