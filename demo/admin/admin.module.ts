import { Module } from '@nestjs/common';
import { ConnectionsController } from './connections.controller.js';

/** Lists the open connections of the demo for administrators who have its token. */
@Module({ controllers: [ConnectionsController] })
export class AdminModule {}
