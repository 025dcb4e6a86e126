import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { ServeStaticModule } from '@nestjs/serve-static';
import { SseErrorFilter, SseModule } from 'nestjs-event-stream';
import { BoardController } from './board.controller.js';
import { BoardGateway } from './board.gateway.js';
import { BoardResolver } from './board.resolver.js';
import { Board } from './board.js';

@Module({
  imports: [
    SseModule.forRoot(),
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
    ServeStaticModule.forRootAsync({
      useFactory: () => [{ rootPath: process.env.PUBLIC ?? 'public', exclude: ['/api/{*path}'] }],
    }),
  ],
  controllers: [BoardController],
  providers: [Board, BoardResolver, BoardGateway, { provide: APP_FILTER, useClass: SseErrorFilter }],
})
export class AppModule {}
