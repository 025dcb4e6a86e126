import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { StateModule } from '../state/state.module.js';
import { GamesController } from './games.controller.js';
import { Games } from './games.service.js';
import { StatusStreamController } from './status-stream.controller.js';

/** A board game that streams the state of the table to each of its players. */
@Module({
  imports: [StateModule],
  controllers: [GamesController, StatusStreamController],
  providers: [Pace, Games],
})
export class BoardGameModule {}
