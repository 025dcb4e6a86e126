import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Answers } from './answers.service.js';
import { RunsController } from './runs.controller.js';

/** Answers that outlive the connections of their readers. */
@Module({ controllers: [RunsController], providers: [Pace, Answers] })
export class RunsModule {}
