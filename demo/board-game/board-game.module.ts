import { Module } from '@nestjs/common';
import { StateModule } from '../state/state.module.js';
import { GamesController } from './games.controller.js';
import { Games } from './games.service.js';
import { StatusStreamController } from './status-stream.controller.js';

/** A board game whose table state is streamed to every player at it. */
@Module({
  imports: [StateModule],
  controllers: [GamesController, StatusStreamController],
  providers: [Games],
})
export class BoardGameModule {}
