/** Rules of this repository for oxlint. `.oxlintrc.json` says where they apply, `layers.mjs` who may import what. */
import { envOnly } from './env-only.mjs';
import { importLayers } from './import-layers.mjs';

export default {
  meta: { name: 'troupe' },
  rules: { 'env-only': envOnly, 'import-layers': importLayers },
};
