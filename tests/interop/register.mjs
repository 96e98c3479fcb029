import { register } from 'node:module'

register('./endpoint.mjs', import.meta.url, {
  data: { root: process.env.SANDBOX_ROOT, media: process.env.SANDBOX_MEDIA },
})
