import type { systemEn as english } from '../en/system.texts.ts';
import type { ShapeOf } from '../en/en.ts';

export const systemPt: ShapeOf<typeof english> = {
  explain: {
    intro: 'Digite uma conta e um exame para ver por que a conta pode ou não pode abrir o exame.',
    user: 'Nome de usuário ou conta de máquina',
    study: 'UID do exame',
    right: 'Direito',
    ask: 'Explicar',
    allowed: '{{user}} tem este direito.',
    missing: {
      account_enabled: 'Não: a conta está desativada.',
      study_in_catalog: 'Não: o catálogo não tem este exame.',
      group: 'Não: a conta não está em nenhum grupo.',
      grant_of_right: 'Não: nenhum grupo da conta tem este direito.',
      grant_in_time: 'Não: as concessões deste direito terminaram.',
      scope_over_study: 'Não: nenhuma concessão deste direito cobre o exame.',
    },
    deciding: 'Concessões que decidem',
    others: 'Concessões que não se aplicam',
  },
  system: {
    services: 'Serviços',
    gatewayUp: 'O gateway responde',
    gatewayAway: 'O gateway não responde',
    states: {
      up: '{{service}} responde',
      away: '{{service}} não responde',
      off: '{{service}} não está configurado',
    },
    auditStalled: 'A auditoria não está sendo selada',
    holdings: 'Arquivo',
    counts: {
      patients: 'Pacientes',
      studies: 'Exames',
      series: 'Séries',
      instances: 'Instâncias',
      bytes: 'Tamanho',
      archived: 'Instâncias no Orthanc',
      quarantined: 'Em quarentena',
    },
    comparison: 'Comparar o catálogo com o arquivo',
    comparisonHelp:
      'O gateway encontra diferenças sozinho. Uma comparação lê todo o arquivo, e o trabalho pode continuar.',
    compared: '{{done}} de {{total}} instâncias',
    result: '{{when}}: {{checked}} instâncias verificadas, {{adopted}} adicionadas, {{removed}} removidas.',
    compare: 'Comparar agora',
    running: 'Em andamento',
  },
  quarantine: {
    intro: 'Estes objetos contradizem o catálogo, então ninguém os vê. Decida qual lado está certo.',
    search: 'Parte de um ID de paciente ou UID',
    none: 'Nada está em quarentena.',
    since: 'Desde',
    reason: 'Motivo',
    reasons: {
      contradicts: 'Outro paciente tem este exame ou esta série',
      altered: 'Outro conteúdo com o mesmo UID',
      unusable: 'Faltam identificadores, ou não são válidos',
      unreadable: 'O arquivo não pode ser lido',
      'other-patient': 'Ficheiro de outro paciente que não o indicado',
    },
    arrived: 'O que chegou',
    held: 'O que o catálogo tem',
    decision: 'Decisão',
    accept: 'Aceitar',
    discard: 'Descartar',
    meaning: {
      accept:
        'Os objetos que chegaram ficam visíveis. Os objetos do catálogo que os contradizem vão para a quarentena.',
      discard: 'Os objetos que chegaram são apagados do arquivo. Isso não pode ser desfeito.',
    },
  },
};
