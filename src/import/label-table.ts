import type { ImportedSectionKey } from './types.ts';

/**
 * What a label says about the text behind it. The three solutions tell whether it happened: `solution` does not say.
 * `kept` are labels for which records have no place; their text stays text.
 */
export type LabelMeaning =
  | ImportedSectionKey
  | 'solutionDone'
  | 'solutionPlanned'
  | 'status'
  | 'severity'
  | 'priority'
  | 'discovered'
  | 'resolved'
  | 'date'
  | 'id'
  | 'frequency'
  | 'kept';

export type Language = 'en' | 'de' | 'ru' | 'zh' | 'es';

/**
 * The labels, as people write them, with commas between them: lower case, without colon, decoration and brackets. One row
 * for each language, so that another language is another row. docs/import.md shows this table.
 */
export const labels: Readonly<Record<LabelMeaning, Readonly<Record<Language, string>>>> = {
  description: {
    en: `
      problem, problems, issue, issues, description, symptom, symptoms, detail, details, previous issue, previous
      problem, error, errors, error message, error messages, what, what happens, what happened, observed, observed
      behavior, observed behaviour, observation, observations, actual, actual behavior, actual behaviour, actual
      result, message, messages, limitation, limitations, finding, findings, context, summary, problem statement,
      bug, background, current behavior, current behaviour, behavior, behaviour, overview, state, symptom/error,
      challenge, concern, log, affected functionality`,
    de: `
      problem, beschreibung, fehler, fehlermeldung, symptom, symptome, fehlerbild, zusammenfassung, details,
      verhalten`,
    ru: 'проблема, описание, симптом, симптомы, ошибка, суть, подробности, детали, описание проблемы',
    zh: '问题, 描述, 问题描述, 现象, 症状, 错误, 错误信息, 報錯, 报错, 详情, 问题现象, 問題, 現象',
    es: `
      problema, descripción, descripcion, síntoma, síntomas, sintoma, sintomas, error, detalle, detalles, resumen`,
  },
  rootCause: {
    en: `
      root cause, root causes, cause, causes, analysis, reason, reasons, rationale, root cause analysis, why, why
      it happens, why this happens, why it happened, origin, diagnosis, explanation, technical cause, rca`,
    de: 'ursache, ursachen, grund, gründe, analyse, auslöser, hintergrund',
    ru: 'причина, причины, корневая причина, анализ, почему',
    zh: '原因, 根本原因, 根因, 原因分析, 分析, 成因',
    es: 'causa, causas, causa raíz, causa raiz, motivo, razón, análisis, analisis',
  },
  workaround: {
    en: `
      workaround, workarounds, work-around, work around, mitigation, mitigations, fallback, temporary solution,
      temporary fix, temporary mitigation, interim solution, interim fix, current best practices, current best
      practice, best practice, best practices, for now, temporary workaround, workaround/solution, alternative,
      alternatives`,
    de: `
      workaround, umgehung, notlösung, behelf, abhilfe, zwischenlösung, provisorische lösung, umgehungslösung`,
    ru: 'обходной путь, обходное решение, временное решение, обход, воркэраунд',
    zh: '临时方案, 临时解决方案, 变通方法, 规避方法, 绕过方法, 临时措施, 规避方案, 缓解措施',
    es: `
      solución temporal, solucion temporal, solución provisional, alternativa, mitigación, mitigacion, apaño,
      rodeo`,
  },
  solution: {
    en: `
      solution, solutions, resolution, fix, fixes, correction, remedy, how to fix, answer, resolution steps,
      decision`,
    de: 'lösung, loesung, lösungen, behebung, korrektur',
    ru: 'решение, решения, исправление, как исправить, способ решения',
    zh: '解决, 解决方案, 解决办法, 解决方法, 修复, 修复方案, 处理, 处理方法, 解決方案, 解決方法, 对策',
    es: 'solución, solucion, soluciones, resolución, resolucion, arreglo, corrección, correccion',
  },
  solutionPlanned: {
    en: `
      recommendation, recommendations, next step, next steps, planned fix, required fix, recommended fix, plan,
      future, future work, future fix, future improvement, future improvements, future enhancement, future
      solution, future consideration, future considerations, remediation, resolution plan, todo, to do, action
      needed, action required, actions, action, action items, proposed solution, proposed fix, potential fix,
      potential solution, possible solution, possible fix, suggested fix, suggestion, suggestions, planned
      solution, required action, recommended action, recommended solution, remaining work, long-term solution,
      long-term fix, required changes, required solution, fix needed, needed fix, needed, needs, fix required,
      long term fix, next action, next actions, planned, proposal, recommended approach, improvement, steps to
      fix, ideas, idea, fix plan, permanent fix, ideal solution`,
    de: `
      nächste schritte, empfehlung, geplante lösung, lösungsvorschlag, maßnahme, maßnahmen, vorschlag, plan,
      offen, todo`,
    ru: `
      рекомендация, рекомендации, следующие шаги, план, предложение, возможное решение, планируемое решение, что
      сделать`,
    zh: '建议, 下一步, 计划, 待办, 改进建议, 后续计划, 建议方案, 后续工作',
    es: `
      recomendación, recomendacion, recomendaciones, próximos pasos, proximos pasos, plan, solución propuesta,
      solucion propuesta, pendiente`,
  },
  solutionDone: {
    en: `
      fix applied, fixes applied, fixed, fixed by, solution implemented, solution applied, solutions applied,
      solutions implemented, improvements made, changes made, what was fixed, resolved by, resolution applied,
      implementation, actions taken, action taken, fix implemented, changes, implemented solution, applied fix,
      how it was fixed, what changed, improvements, implemented fix, improvements applied, what was done, solved
      by, current solution, current fix, solved`,
    de: 'behoben durch, umgesetzte lösung, gelöst durch, durchgeführte änderungen, umsetzung',
    ru: 'исправлено, что сделано, решено, сделано, внесённые изменения',
    zh: '已修复, 修复内容, 已解决, 修改内容, 已采取措施',
    es: `
      solución aplicada, solucion aplicada, solución implementada, corregido, cambios realizados, arreglado`,
  },
  impactAssessment: {
    en: `
      impact, impacts, business impact, production impact, user impact, risk, risks, security risk, consequence,
      consequences, effect, effects, impact assessment, security impact, performance impact, current impact,
      result impact, technical impact, who is affected, impact if not fixed, functional impact`,
    de: 'auswirkung, auswirkungen, folge, folgen, konsequenz, konsequenzen, risiko',
    ru: 'влияние, последствия, последствие, воздействие, риск, эффект',
    zh: '影响, 影响范围, 后果, 风险, 影響',
    es: 'impacto, consecuencia, consecuencias, efecto, efectos, riesgo',
  },
  lessons: {
    en: `
      lesson, lessons, lessons learned, lesson learned, prevention, key insight, key insights, learnings,
      takeaway, key lesson, how to prevent, key learning, key learnings`,
    de: 'lehre, lehren, erkenntnis, erkenntnisse, vorbeugung, prävention',
    ru: 'уроки, выводы, вывод, предотвращение, профилактика',
    zh: '经验, 教训, 经验教训, 预防, 预防措施, 总结',
    es: 'lección, lecciones, lecciones aprendidas, prevención, prevencion, aprendizaje',
  },
  evidence: {
    en: `
      evidence, example, examples, test evidence, functional evidence, logs, log output, stack trace, traceback,
      error log, output, sample, proof`,
    de: 'beleg, belege, nachweis, beispiel, protokoll, ausgabe',
    ru: 'доказательства, пример, примеры, логи, лог, вывод программы',
    zh: '证据, 示例, 例子, 日志, 例如',
    es: 'evidencia, ejemplo, ejemplos, registro, registros, prueba',
  },
  reproductionSteps: {
    en: `
      steps to reproduce, how to recreate, how to reproduce, reproduction, reproduction steps, reproduce, repro,
      repro steps, to reproduce, steps, reproducing`,
    de: 'schritte zum reproduzieren, reproduktion, nachstellen, reproduzieren',
    ru: 'шаги воспроизведения, как воспроизвести, воспроизведение, шаги для воспроизведения',
    zh: '复现步骤, 重现步骤, 如何复现, 复现, 复现方法',
    es: 'pasos para reproducir, cómo reproducir, como reproducir, reproducción, reproduccion',
  },
  status: {
    en: `
      status, current status, current state, resolution status, fix status, issue status, implementation status,
      progress, final status`,
    de: 'status, stand, zustand, aktueller stand',
    ru: 'статус, состояние, текущий статус',
    zh: '状态, 当前状态, 狀態, 进度, 现状',
    es: 'estado, estado actual, situación',
  },
  severity: {
    en: 'severity, severity level, impact level, criticality, level, risk level',
    de: 'schweregrad, schwere, kritikalität',
    ru: 'серьёзность, серьезность, критичность, важность',
    zh: '严重程度, 严重性, 级别, 严重级别, 嚴重程度',
    es: 'severidad, gravedad, criticidad',
  },
  priority: {
    en: 'priority',
    de: 'priorität, prio',
    ru: 'приоритет',
    zh: '优先级, 优先度, 優先級',
    es: 'prioridad',
  },
  discovered: {
    en: `
      date discovered, discovered, date identified, identified, first seen, discovered on, date found, found,
      reported, date reported, discovery date, first observed, detected, first reported, opened, first noticed,
      since, created, reported on, found on`,
    de: 'entdeckt, entdeckt am, gefunden, gefunden am, gemeldet, gemeldet am, seit, aufgefallen am',
    ru: 'обнаружено, дата обнаружения, найдено, обнаружена, обнаружен',
    zh: '发现日期, 发现时间, 发现于, 首次发现, 報告日期, 报告日期',
    es: 'descubierto, fecha de descubrimiento, detectado, reportado, encontrado, detectado el',
  },
  resolved: {
    en: `
      date fixed, date resolved, resolution date, resolved, resolved on, fixed on, fixed date, fix date, date
      closed, closed, resolved date, completed, completed on, date completed, closed on`,
    de: 'behoben, behoben am, gelöst, gelöst am, erledigt, erledigt am, geschlossen am',
    ru: 'дата исправления, дата решения, исправлено, закрыто, устранено',
    zh: '解决日期, 修复日期, 解决时间, 修复时间, 解决于, 修复于',
    es: 'resuelto, resuelto el, fecha de resolución, fecha de resolucion, corregido el, cerrado',
  },
  date: {
    en: 'date, last updated, updated, when, timestamp',
    de: 'datum, wann, am',
    ru: 'дата, когда',
    zh: '日期, 时间, 時間',
    es: 'fecha, cuándo, cuando',
  },
  id: {
    en: 'id, issue id, bug id, problem id, ticket, issue number',
    de: 'kennung, ticket, vorgang',
    ru: 'идентификатор, номер, тикет',
    zh: '编号, 工单',
    es: 'identificador, número, incidencia',
  },
  frequency: {
    en: 'frequency, occurrence, how often',
    de: 'häufigkeit',
    ru: 'частота',
    zh: '频率, 頻率',
    es: 'frecuencia',
  },
  kept: {
    en: `
      verification, verified, result, results, validation, file, files, files modified, files changed, modified
      files, location, locations, benefit, benefits, note, notes, effort, estimated effort, component, components,
      affected, affects, affected components, affected files, affected versions, affected version, version,
      versions, environment, reference, references, related, related issues, see also, testing, test, tests, code,
      code location, link, links, category, type, owner, assignee, reporter, expected, expected behavior, expected
      behaviour, expected result, tags, documentation, platform, platforms, attempted, attempted solutions,
      attempts, what was tried, trade-off, trade-offs, tradeoffs, before, after, metrics, performance,
      dependencies, blocker, blocked by, blocking, session, agent, scope, time spent, commit, pr, pull request,
      source, author, discovered by, fixed by commit, priority reason, configuration, outcome, affected
      deployments, affected networks, affected platforms, where, who, remaining, progress made, acceptance
      criteria`,
    de: `
      hinweis, hinweise, datei, dateien, ergebnis, prüfung, aufwand, betroffen, komponente, version, erwartet,
      siehe auch, ort`,
    ru: `
      примечание, файл, файлы, результат, проверка, заметка, версия, компонент, ожидаемое поведение, затронуто`,
    zh: '备注, 文件, 结果, 验证, 说明, 版本, 组件, 预期, 相关, 位置, 受影响, 参考',
    es: `
      nota, notas, archivo, archivos, resultado, resultados, verificación, verificacion, componente, versión,
      esperado, ubicación, afecta`,
  },
};
