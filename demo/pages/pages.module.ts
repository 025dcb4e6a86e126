import { Module } from '@nestjs/common';
import { PageFiles } from './page-files.js';
import { PagesController } from './pages.controller.js';

/** A page that shows each of the six systems at work. */
@Module({ controllers: [PagesController], providers: [PageFiles] })
export class PagesModule {}
