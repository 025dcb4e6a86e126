import { Module } from '@nestjs/common';
import { ChannelsController } from './channels.controller.js';

/** Named channels that any client may publish to and follow. */
@Module({ controllers: [ChannelsController] })
export class ChannelsModule {}
