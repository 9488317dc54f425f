import type { World } from '../support/world.ts';

/**
 * Makes the sweep fail at the end of its first slice, because a sweep of a large archive takes hours. It therefore does not reach series that
 * only the archive has. Each tick of the watcher still reads the change feed first.
 */
export async function stopSweep(world: World): Promise<void> {
  await world.sql`
    create function stop_sweep() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$`;
  await world.sql`
    create trigger stop_sweep before update on sweep for each row
    when (new.phase <> 'catalog' or new.position <> 0) execute function stop_sweep()`;
}
