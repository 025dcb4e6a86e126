import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { PageFiles } from './page-files.js';
import { readSource, type SourceText } from './source-text.js';

/** Serves the page, the files that it loads, and the sources of the controllers behind its streams. */
@Controller()
export class PagesController {
  constructor(private readonly files: PageFiles) {}

  @Get()
  @Header('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'")
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  async index(): Promise<StreamableFile> {
    return this.#send('index.html');
  }

  @Get('pages/:file')
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  async file(@Param('file') file: string): Promise<StreamableFile> {
    if (file === 'index.html') throw notFound(file);
    return this.#send(file);
  }

  @Get('sources/:name')
  @Header('Cache-Control', 'no-cache')
  source(@Param('name') name: string): Promise<SourceText> {
    return readSource(name);
  }

  async #send(file: string): Promise<StreamableFile> {
    const found = await this.files.find(file);
    if (found === undefined) throw notFound(file);
    return new StreamableFile(found.bytes, { type: found.type, length: found.bytes.length });
  }
}

function notFound(file: string): NotFoundException {
  return new NotFoundException(`There is no page file "${file}".`);
}
