import { Module } from '@nestjs/common';
import { PagesController } from './pages.controller.js';

/** A page with a live pane for each of the six systems. */
@Module({ controllers: [PagesController] })
export class PagesModule {}
