export type Language = 'en' | 'de' | 'ru' | 'zh' | 'es' | 'fr' | 'pt' | 'it' | 'tr' | 'vi' | 'ja';

/** Labels of text: each is a section of a record, and the three solutions are one. */
export const sectionLabels = {
  description: {
    en: `
      problem, problems, issue, issues, description, symptom, symptoms, detail, details, previous issue, previous
      problem, error, errors, error message, error messages, what, what happens, what happened, what goes wrong, what went wrong, observed, observed
      behavior, observed behaviour, observation, observations, actual, actual behavior, actual behaviour, actual
      result, message, messages, limitation, limitations, finding, findings, context, summary, problem statement, bug,
      background, current behavior, current behaviour, behavior, behaviour, overview, state, symptom/error, challenge,
      concern, log, affected functionality`,
    de: `
      problem, beschreibung, fehler, fehlermeldung, symptom, symptome, fehlerbild, zusammenfassung, details,
      verhalten, tatsächliches ergebnis, ist`,
    ru: `
      проблема, описание, симптом, симптомы, ошибка, суть, подробности, детали, описание проблемы, краткое описание,
      фактический результат, фактическое поведение`,
    zh: '问题, 描述, 问题描述, 现象, 症状, 错误, 错误信息, 報錯, 报错, 详情, 问题现象, 問題, 現象, 实际结果',
    es: `
      problema, descripción, descripcion, síntoma, síntomas, sintoma, sintomas, error, detalle, detalles, resumen,
      resultado actual, resultado obtenido`,
    fr: `
      problème, problèmes, description, symptôme, symptômes, erreur, détail, détails, constat, résultat obtenu,
      résumé, message`,
    pt: 'problema, descrição, sintoma, sintomas, erro, detalhe, detalhes, resumo, resultado atual, mensagem',
    it: 'problema, descrizione, sintomo, sintomi, errore, dettagli, riepilogo, risultato ottenuto, messaggio',
    tr: 'sorun, problem, açıklama, belirti, belirtiler, hata, ayrıntı, ayrıntılar, özet',
    vi: 'vấn đề, mô tả, triệu chứng, lỗi, hiện tượng, chi tiết, tóm tắt',
    ja: '問題, 説明, 症状, 現象, エラー, 詳細, 概要, 内容',
  },
  rootCause: {
    en: `
      root cause, root causes, cause, causes, analysis, reason, reasons, rationale, root cause analysis, why, why it
      happens, why this happens, why it happened, origin, diagnosis, explanation, why did it happen,
      why did this happen, why does this happen, technical cause, rca`,
    de: 'ursache, ursachen, grund, gründe, analyse, auslöser, hintergrund',
    ru: 'причина, причины, корневая причина, анализ, почему',
    zh: '原因, 根本原因, 根因, 原因分析, 分析, 成因',
    es: 'causa, causas, causa raíz, causa raiz, motivo, razón, análisis, analisis',
    fr: 'cause, causes, cause racine, cause probable, causes possibles, raison, analyse, explication',
    pt: 'causa, causas, causa raiz, causa provável, motivo, razão, análise',
    it: 'causa, cause, causa principale, causa radice, motivo, analisi',
    tr: 'neden, nedeni, kök neden, sebep, analiz',
    vi: 'nguyên nhân, nguyên nhân gốc, lý do, phân tích',
    ja: '原因, 根本原因, 理由, 分析',
  },
  workaround: {
    en: `
      workaround, workarounds, work-around, work around, mitigation, mitigations, fallback, temporary solution,
      temporary fix, temporary mitigation, interim solution, interim fix, current best practices, current best
      practice, best practice, best practices, for now, temporary workaround, workaround/solution, alternative,
      alternatives`,
    de: 'workaround, umgehung, notlösung, behelf, abhilfe, zwischenlösung, provisorische lösung, umgehungslösung',
    ru: 'обходной путь, обходное решение, временное решение, обход, воркэраунд',
    zh: '临时方案, 临时解决方案, 变通方法, 规避方法, 绕过方法, 临时措施, 规避方案, 缓解措施',
    es: 'solución temporal, solucion temporal, solución provisional, alternativa, mitigación, mitigacion, apaño, rodeo',
    fr: 'contournement, solution de contournement, solution temporaire, solution provisoire, palliatif',
    pt: 'solução de contorno, contorno, solução temporária, solução provisória, paliativo, mitigação',
    it: 'soluzione temporanea, soluzione provvisoria, aggiramento, mitigazione',
    tr: 'geçici çözüm, ara çözüm',
    vi: 'giải pháp tạm thời, cách khắc phục tạm thời, khắc phục tạm',
    ja: '回避策, 回避方法, 暫定対応, 暫定対策, 対処法',
  },
  solution: {
    en: `
      solution, solutions, resolution, fix, fixes, correction, remedy, how to fix, answer, resolution steps, decision`,
    de: 'lösung, loesung, lösungen, behebung, korrektur',
    ru: 'решение, решения, исправление, как исправить, способ решения',
    zh: '解决, 解决方案, 解决办法, 解决方法, 修复, 修复方案, 处理, 处理方法, 解決方案, 解決方法, 对策',
    es: 'solución, solucion, soluciones, resolución, resolucion, arreglo, corrección, correccion',
    fr: 'solution, solutions, résolution, correction, correctif, remède',
    pt: 'solução, soluções, resolução, correção, como resolver',
    it: 'soluzione, soluzioni, risoluzione, correzione, rimedio',
    tr: 'çözüm, çözümü, düzeltme, çözümler',
    vi: 'giải pháp, cách giải quyết, cách khắc phục, khắc phục, cách sửa',
    ja: '解決策, 解決方法, 対策, 修正, 対応',
  },
  solutionPlanned: {
    en: `
      recommendation, recommendations, next step, next steps, planned fix, required fix, recommended fix, plan,
      future, future work, future fix, future improvement, future improvements, future enhancement, future solution,
      future consideration, future considerations, remediation, resolution plan, todo, to do, action needed, action
      required, actions, action, action items, proposed solution, proposed fix, potential fix, potential solution,
      possible solution, possible fix, suggested fix, suggestion, suggestions, planned solution, required action,
      recommended action, recommended solution, remaining work, long-term solution, long-term fix, required changes,
      required solution, fix needed, needed fix, needed, needs, fix required, long term fix, next action, next
      actions, planned, proposal, recommended approach, improvement, steps to fix, ideas, idea, fix plan, permanent
      fix, ideal solution`,
    de: `
      nächste schritte, empfehlung, geplante lösung, lösungsvorschlag, maßnahme, maßnahmen, vorschlag, plan, offen,
      todo`,
    ru: `
      рекомендация, рекомендации, следующие шаги, план, предложение, возможное решение, планируемое решение, что
      сделать`,
    zh: '建议, 下一步, 计划, 待办, 改进建议, 后续计划, 建议方案, 后续工作',
    es: `
      recomendación, recomendacion, recomendaciones, próximos pasos, proximos pasos, plan, solución propuesta,
      solucion propuesta, pendiente`,
    fr: `
      recommandation, recommandations, prochaines étapes, solution proposée, solution prévue, correction prévue, à
      faire, piste, pistes`,
    pt: 'recomendação, recomendações, próximos passos, solução proposta, solução planejada, a fazer, plano',
    it: 'raccomandazione, raccomandazioni, prossimi passi, soluzione proposta, soluzione prevista, da fare, piano',
    tr: 'öneri, öneriler, sonraki adımlar, önerilen çözüm, planlanan çözüm, yapılacaklar',
    vi: 'đề xuất, khuyến nghị, bước tiếp theo, giải pháp đề xuất, kế hoạch',
    ja: '提案, 推奨, 次のステップ, 今後の対応, 対応予定, 修正案',
  },
  solutionDone: {
    en: `
      fix applied, fixes applied, fixed, fixed by, solution implemented, solution applied, solutions applied,
      solutions implemented, improvements made, changes made, what was fixed, resolved by, resolution applied,
      implementation, actions taken, action taken, fix implemented, changes, implemented solution, applied fix, how it
      was fixed, what changed, improvements, implemented fix, improvements applied, what was done, solved by, current
      solution, current fix, solved, how did we fix it, how we fixed it, how was it fixed`,
    de: 'behoben durch, umgesetzte lösung, gelöst durch, durchgeführte änderungen, umsetzung',
    ru: 'исправлено, что сделано, решено, сделано, внесённые изменения',
    zh: '已修复, 修复内容, 已解决, 修改内容, 已采取措施',
    es: 'solución aplicada, solucion aplicada, solución implementada, corregido, cambios realizados, arreglado',
    fr: 'correction appliquée, solution appliquée, corrigé par, modifications apportées',
    pt: 'correção aplicada, solução aplicada, solução implementada, corrigido por, alterações feitas',
    it: 'correzione applicata, soluzione applicata, corretto da, modifiche apportate',
    tr: 'uygulanan çözüm, yapılan değişiklikler, düzeltildi',
    vi: 'đã sửa, giải pháp đã áp dụng, đã khắc phục, kết quả xử lý, kết quả khắc phục',
    ja: '修正内容, 対応内容, 実施した対策, 修正済み',
  },
  impactAssessment: {
    en: `
      impact, impacts, business impact, production impact, user impact, risk, risks, security risk, consequence,
      consequences, effect, effects, impact assessment, security impact, performance impact, current impact, result
      impact, technical impact, who is affected, impact if not fixed, functional impact`,
    de: 'auswirkung, auswirkungen, folge, folgen, konsequenz, konsequenzen, risiko',
    ru: 'влияние, последствия, последствие, воздействие, риск, эффект',
    zh: '影响, 影响范围, 后果, 风险, 影響',
    es: 'impacto, consecuencia, consecuencias, efecto, efectos, riesgo',
    fr: 'impact, impacts, conséquence, conséquences, effet, risque',
    pt: 'impacto, consequência, consequências, efeito, risco',
    it: 'impatto, conseguenza, conseguenze, effetto, rischio',
    tr: 'etki, etkisi, sonuç, risk',
    vi: 'ảnh hưởng, tác động, hậu quả, rủi ro',
    ja: '影響, 影響範囲, リスク',
  },
  lessons: {
    en: `
      lesson, lessons, lessons learned, lesson learned, prevention, key insight, key insights, learnings, takeaway,
      key lesson, how to prevent, key learning, key learnings`,
    de: 'lehre, lehren, erkenntnis, erkenntnisse, vorbeugung, prävention',
    ru: 'уроки, выводы, вывод, предотвращение, профилактика',
    zh: '经验, 教训, 经验教训, 预防, 预防措施, 总结',
    es: 'lección, lecciones, lecciones aprendidas, prevención, prevencion, aprendizaje',
    fr: 'leçon, leçons, leçons apprises, prévention, enseignements',
    pt: 'lição, lições, lições aprendidas, prevenção',
    it: 'lezione, lezioni, lezioni apprese, prevenzione',
    tr: 'çıkarılan dersler, dersler, önleme',
    vi: 'bài học, bài học kinh nghiệm, phòng ngừa',
    ja: '教訓, 学び, 再発防止, 再発防止策',
  },
  evidence: {
    en: `
      evidence, example, examples, test evidence, functional evidence, logs, log output, stack trace, traceback, error
      log, output, sample, proof`,
    de: 'beleg, belege, nachweis, beispiel, protokoll, ausgabe',
    ru: 'доказательства, пример, примеры, логи, лог, вывод программы',
    zh: '证据, 示例, 例子, 日志, 例如',
    es: 'evidencia, ejemplo, ejemplos, registro, registros, prueba',
    fr: 'preuve, preuves, exemple, exemples, journaux, sortie',
    pt: 'evidência, evidências, exemplo, exemplos, logs',
    it: 'prova, prove, esempio, esempi, log',
    tr: 'kanıt, örnek, örnekler, kayıtlar',
    vi: 'bằng chứng, ví dụ, nhật ký',
    ja: '証拠, 例, ログ, 再現ログ',
  },
  reproductionSteps: {
    en: `
      steps to reproduce, how to recreate, how to reproduce, reproduction, reproduction steps, reproduce, repro, repro
      steps, to reproduce, steps, reproducing`,
    de: 'schritte zum reproduzieren, reproduktion, nachstellen, reproduzieren',
    ru: 'шаги воспроизведения, как воспроизвести, воспроизведение, шаги для воспроизведения',
    zh: '复现步骤, 重现步骤, 如何复现, 复现, 复现方法',
    es: 'pasos para reproducir, cómo reproducir, como reproducir, reproducción, reproduccion',
    fr: 'étapes pour reproduire, étapes de reproduction, reproduction, comment reproduire, pour reproduire',
    pt: 'passos para reproduzir, passos para reprodução, como reproduzir, reprodução',
    it: 'passi per riprodurre, come riprodurre, riproduzione',
    tr: 'yeniden üretme adımları, tekrar adımları, nasıl oluşturulur',
    vi: 'các bước tái hiện, cách tái hiện, tái hiện',
    ja: '再現手順, 再現方法, 再現',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<Language, string>>>>;
