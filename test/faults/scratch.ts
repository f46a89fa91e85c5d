import { Pipeline, pipelineRoutes } from './pipeline.ts';
import { crossPipeline } from './pipeline-crossing.ts';
import { serviceKinds } from './service-kinds.ts';
const consumer = process.argv[2] as 'lambda' | 'ec2';
const t0 = Date.now();
const p = await Pipeline.open(consumer);
console.log('open', Date.now() - t0);
try {
  for (const kind of serviceKinds.filter((k) => k.consumer === consumer && k.name.includes(process.argv[3] ?? ''))) {
    const t = Date.now();
    p.log = '';
    const r = await crossPipeline(p, { kinds: [kind], routes: pipelineRoutes.filter((x) => consumer === 'lambda' || x !== 'execution'), count: (x) => (['put', 'delete', 'events', 'server-side copy'].includes(x) ? 8 : 2), seed: 1, rate: 0.25 });
    console.log(kind.name, Date.now() - t, 'ms', 'unnamed', r.unnamed, 'buried', r.buried, 'reruns', r.reruns, 'total', [...r.injected.values()]);
    console.log(r.routes.map((x) => `${x.route} inj ${x.injected} lost ${x.lost} wrong ${x.wrong} dup ${x.duplicates} again ${((x.bytesSent / Math.max(1, x.bytes) - 1) * 100).toFixed(1)}`).join('\n   '));
    if (process.env['LOG']) console.log(p.log);
  }
} finally { await p.close(); }
