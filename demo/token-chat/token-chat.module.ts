import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { StateModule } from '../state/state.module.js';
import { Conversations } from './conversations.service.js';
import { Model } from './model.service.js';
import { TokenChatController } from './token-chat.controller.js';

/** A chat for clients of the AI SDK. Its answers continue while nobody reads them. */
@Module({
  imports: [StateModule],
  controllers: [TokenChatController],
  providers: [Pace, Conversations, Model],
})
export class TokenChatModule {}
