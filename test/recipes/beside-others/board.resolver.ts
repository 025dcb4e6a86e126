import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { Board } from './board.js';

@Resolver()
export class BoardResolver {
  constructor(private readonly board: Board) {}

  @Query(() => [String])
  notes() {
    return this.board.list();
  }

  @Mutation(() => String)
  addNote(@Args('text') text: string) {
    return this.board.add(text);
  }
}
