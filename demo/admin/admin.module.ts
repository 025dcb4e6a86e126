import { Module } from '@nestjs/common';
import { ConnectionsController } from './connections.controller.js';

/** Who is connected to the demo, for those who have its token. */
@Module({ controllers: [ConnectionsController] })
export class AdminModule {}
