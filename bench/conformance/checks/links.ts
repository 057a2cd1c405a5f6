// Changing the links while something is looked at, and making them whole again whatever happens.
import type { Ground } from '../ground.ts'

/** Holds every byte on all links, or makes them slower, while `body` runs. */
export async function withLinks<T>(
  ground: Ground,
  how: 'hold' | { readonly delayMs: number },
  body: () => Promise<T>,
): Promise<T> {
  const { links } = ground.topology
  const faults = ground.house.faultGround()
  const set = (change: Parameters<typeof faults.setLink>[2]) =>
    Promise.all(links.map(({ from, to }) => faults.setLink(from, to, change)))
  await set(how === 'hold' ? { condition: 'hold' } : how)
  try {
    return await body()
  } finally {
    await set(how === 'hold' ? { condition: 'open' } : { delayMs: ground.delayMs })
  }
}
