"""Every sentence of the page, in both languages. Templates are constants with named fields."""

from collections.abc import Mapping
from functools import partial

from app.wording import Table, worded
from kb.types import Lang

TEXTS: Table = {
    # --- frame
    "title": {"en": "Casebook", "zh": "Casebook 故障案例库"},
    "tagline": {
        "en": "Why did the run fail? Root causes and fixes for LLM training, fine-tuning and serving.",
        "zh": "训练为什么失败？大模型训练、微调、推理服务的根因与修复。",
    },
    "nav": {"en": "Main", "zh": "主导航"},
    "nav_chat": {"en": "Chat", "zh": "诊断"},
    "nav_incidents": {"en": "Incidents", "zh": "案例"},
    "nav_groups": {"en": "Symptoms", "zh": "症状"},
    "nav_review": {"en": "Review", "zh": "审阅"},
    "other_language": {"en": "中文", "zh": "English"},
    "skip": {"en": "Skip to the question box", "zh": "跳到输入框"},
    # --- conversation
    "conversation": {"en": "Conversation", "zh": "对话"},
    "hello": {
        "en": "What went wrong?",
        "zh": "出了什么问题？",
    },
    "hello_more": {
        "en": "One sentence is enough to start. A whole log is better: paste it, or drop the files, configs too. "
        "I read text (.log .txt .json .yaml .gz); screenshots are not read.",
        "zh": "一句话就能开始；有完整日志更好：直接粘贴，或把日志和配置文件拖进来。"
        "支持文本文件(.log .txt .json .yaml .gz)；不识别截图。",
    },
    "privacy": {
        "en": "Keys, names and addresses are removed on reading. What is left stays on this machine{kept}.",
        "zh": "密钥、人名、地址在读取时就会被抹去，其余内容只留在本机{kept}。",
    },
    "privacy_model": {
        "en": "Keys, names and addresses are removed on reading. What is left goes to the model at {host} and nowhere "
        "else{kept}.",
        "zh": "密钥、人名、地址在读取时就会被抹去，其余内容只发给 {host} 上的模型{kept}。",
    },
    "kept_days": {"en": ", and is deleted {days} days after the last turn", "zh": "，最后一轮的 {days} 天后删除"},
    "kept_not": {"en": ", and is not written to disk", "zh": "，不写入磁盘"},
    "try": {"en": "Try one", "zh": "试一试"},
    "box": {"en": "Your question, log or files", "zh": "你的问题、日志或文件"},
    "placeholder": {
        "en": "Describe the failure, or paste the log …",
        "zh": "描述故障，或直接粘贴日志……",
    },
    "keys": {
        "en": "Enter sends, Shift+Enter makes a new line, Esc stops an answer.",
        "zh": "Enter 发送，Shift+Enter 换行，Esc 停止回答。",
    },
    "new_case": {"en": "New case", "zh": "新的问题"},
    "more_lines": {"en": "… {count} more lines", "zh": "……另有 {count} 行"},
    "stopped": {"en": "Stopped.", "zh": "已停止。"},
    "reading": {"en": "Reading …", "zh": "正在阅读……"},
    "bug": {
        "en": "Something broke on our side ({kind}). Your text was not the cause; please try again.",
        "zh": "我们这边出错了（{kind}），与你的内容无关，请再试一次。",
    },
    "fallback": {
        "en": "The model could not write this answer ({reason}); it is composed from the incident's own text.",
        "zh": "模型未能撰写这次回答（{reason}）；以上由案例原文拼成。",
    },
    # --- checks
    "next_check": {"en": "To tell them apart", "zh": "要区分它们，请确认"},
    "next_check_one": {"en": "To be sure", "zh": "再确认一下"},
    "how": {"en": "How to check", "zh": "怎么检查"},
    "yes": {"en": "Yes", "zh": "是"},
    "no": {"en": "No", "zh": "否"},
    "unknown": {"en": "Can't tell", "zh": "不确定"},
    "more_checks": {"en": "Other checks ({count})", "zh": "其他检查（{count}）"},
    "leaves": {"en": "leaves {titles}", "zh": "剩下：{titles}"},
    # --- review of drafts
    "review_title": {"en": "Drafts to review", "zh": "待审阅的草稿"},
    "review_more": {
        "en": "Nothing enters the base before somebody has read it against its source.",
        "zh": "对照来源读过之后，草稿才会进入案例库。",
    },
    "review_none": {"en": "Nothing waits: casebook ingest makes drafts.", "zh": "没有草稿：用 casebook ingest 生成。"},
    "review_into": {
        "en": "Accepted drafts go to this folder; name it in CASEBOOK_INCIDENTS and run casebook index:",
        "zh": "通过的草稿写入这个目录；把它加入 CASEBOOK_INCIDENTS 并运行 casebook index：",
    },
    "review_open": {"en": "Open fields", "zh": "待补充的字段"},
    "review_problems": {"en": "Not accepted yet:", "zh": "尚不能通过："},
    "review_kin": {"en": "What the base has of the kind", "zh": "案例库中的相近案例"},
    "review_text": {"en": "The incident as it would be written", "zh": "将要写入的案例"},
    "review_choices": {"en": "Allowed values", "zh": "可选的取值"},
    "review_by": {"en": "Reviewed by", "zh": "审阅人"},
    "review_accept": {"en": "Accept", "zh": "通过"},
    "review_save": {"en": "Save for later", "zh": "保存"},
    "review_reject": {"en": "Reject", "zh": "拒绝"},
    "review_merge": {"en": "Merge", "zh": "合并"},
    "review_merge_into": {"en": "The same as incident", "zh": "与这个案例相同"},
    "review_source": {"en": "Source, with what the draft took from it", "zh": "来源（标出草稿引用的部分）"},
    # --- feedback
    "did_it_help": {"en": "Did this help?", "zh": "有帮助吗？"},
    "fixed": {"en": "This fixed it", "zh": "问题解决了"},
    "not_mine": {"en": "Not my problem", "zh": "不是我的问题"},
    "other": {"en": "Something else", "zh": "其他"},
    "why_note": {"en": "Say why (optional)", "zh": "补充说明（可选）"},
    "which_cause": {"en": "Which cause", "zh": "是哪个原因"},
    "note_placeholder": {
        "en": "What it really was, or what was missing",
        "zh": "实际原因是什么，或缺了什么",
    },
    "thanks_fixed": {"en": "Noted: this fixed it. Thank you.", "zh": "已记录：问题解决了，谢谢。"},
    "thanks_not_mine": {
        "en": "Noted: not your problem. Paste more of the log, and I look again.",
        "zh": "已记录：不是你的问题。再贴一些日志，我重新看。",
    },
    "thanks_other": {"en": "Noted, thank you.", "zh": "已记录，谢谢。"},
    # --- the case
    "case": {"en": "The case", "zh": "案情"},
    "case_empty": {
        "en": "What I read from your text will stand here: the first error, versions, settings, curves, and the "
        "causes that fit, with what speaks for and against each.",
        "zh": "这里会列出我从你的内容中读到的东西：最早的报错、版本、配置、曲线，以及可能的原因和正反依据。",
    },
    "diagnosed": {"en": "Most likely", "zh": "最可能的原因"},
    "expected": {"en": "Expected behaviour", "zh": "正常现象"},
    "ambiguous": {"en": "{count} causes fit", "zh": "有 {count} 个可能的原因"},
    "insufficient": {"en": "Too little to go on", "zh": "信息太少"},
    "no_match": {"en": "Not in the casebook", "zh": "案例库里没有"},
    "first_error": {"en": "First error", "zh": "最早的报错"},
    "later_errors": {"en": "{count} more that followed from it", "zh": "由它引发的另外 {count} 条"},
    "line": {"en": "{input}, line {line}", "zh": "{input} 第 {line} 行"},
    "curves": {"en": "Curves", "zh": "曲线"},
    "signs": {"en": "Signs", "zh": "迹象"},
    "versions": {"en": "Versions", "zh": "版本"},
    "settings": {"en": "Settings", "zh": "配置"},
    "severity_error": {"en": "error", "zh": "错误"},
    "severity_warning": {"en": "warning", "zh": "警告"},
    "severity_info": {"en": "note", "zh": "提示"},
    "causes": {"en": "Causes that fit", "zh": "可能的原因"},
    "something_else": {"en": "Something else", "zh": "其他原因"},
    "probability": {"en": "{percent} % likely", "zh": "可能性 {percent} %"},
    "for": {"en": "For", "zh": "支持"},
    "against": {"en": "Against", "zh": "不符"},
    "fix_status": {"en": "Fix", "zh": "修复"},
    "cause_status": {"en": "Cause", "zh": "原因"},
    "read_incident": {"en": "Read the incident", "zh": "查看案例"},
    "sources": {"en": "Sources", "zh": "来源"},
    "near": {"en": "Nearest, but not the same", "zh": "相近但不相同"},
    "redacted": {"en": "Left out and skipped", "zh": "抹去与跳过"},
    "redactions": {
        "en": "{count} secrets, names or addresses were removed before reading on.",
        "zh": "读取时抹去了 {count} 处密钥、人名或地址。",
    },
    "redaction_one": {
        "en": "1 secret, name or address was removed before reading on.",
        "zh": "读取时抹去了 1 处密钥、人名或地址。",
    },
    "redactions_none": {"en": "Nothing had to be removed.", "zh": "没有需要抹去的内容。"},
    "keep": {"en": "Keep", "zh": "保存"},
    "export": {"en": "Markdown for an issue", "zh": "导出 Markdown（提 issue 用）"},
    "permalink": {"en": "Link to this case", "zh": "本案链接"},
    "delete_case": {"en": "Delete this case", "zh": "删除本案"},
    "deleted": {"en": "The case and everything in it is deleted.", "zh": "本案及其全部内容已删除。"},
    # --- sources
    "kind_thread": {"en": "thread", "zh": "讨论"},
    "kind_change": {"en": "change", "zh": "代码变更"},
    "kind_release": {"en": "release", "zh": "版本说明"},
    "kind_doc": {"en": "documentation", "zh": "文档"},
    "kind_rewrite": {"en": "second-hand account", "zh": "转述"},
    "kind_internal": {"en": "internal", "zh": "内部"},
    "read_full": {"en": "read in full", "zh": "全文已读"},
    "read_excerpt": {"en": "read in part", "zh": "读过节选"},
    "read_listed": {"en": "listed only", "zh": "仅列出"},
    "read_on": {"en": "{kind}, {how} on {date}", "zh": "{kind}，{how}，{date}"},
    # --- plots
    "plot_of": {
        "en": "{name} from {first} to {last} over {count} points",
        "zh": "{name}：{count} 个点，从 {first} 到 {last}",
    },
    "plot_anomaly": {"en": "step {step}: {what}", "zh": "第 {step} 步：{what}"},
    "step": {"en": "step", "zh": "步"},
    # --- incident browser
    "incidents_title": {"en": "Incidents", "zh": "案例"},
    "groups_title": {"en": "Symptoms with several causes", "zh": "同一症状的多种原因"},
    "search": {"en": "Search", "zh": "搜索"},
    "search_placeholder": {"en": "Words, an error line, an identifier", "zh": "关键词、报错行、标识符"},
    "any": {"en": "any", "zh": "不限"},
    "area": {"en": "Area", "zh": "领域"},
    "component": {"en": "Component", "zh": "组件"},
    "group": {"en": "Symptom", "zh": "症状"},
    "version": {"en": "Version of the component", "zh": "组件版本"},
    "version_placeholder": {"en": "such as 0.12.4", "zh": "例如 0.12.4"},
    "version_needs": {
        "en": "Choose a component to filter by version.",
        "zh": "按版本筛选需要先选组件。",
    },
    "version_unread": {
        "en": "“{version}” is not a version of {component}.",
        "zh": "“{version}”不是 {component} 的版本号。",
    },
    "show": {"en": "Show", "zh": "筛选"},
    "found": {"en": "{count} incidents", "zh": "{count} 个案例"},
    "found_one": {"en": "1 incident", "zh": "1 个案例"},
    "found_none": {
        "en": "No incident fits. Widen the filters, or ask in the chat.",
        "zh": "没有符合的案例。放宽条件，或直接提问。",
    },
    "pages": {"en": "Pages", "zh": "分页"},
    "page": {"en": "page {page} of {pages}", "zh": "第 {page} / {pages} 页"},
    "previous": {"en": "Previous", "zh": "上一页"},
    "next": {"en": "Next", "zh": "下一页"},
    "affected": {"en": "affected {range}", "zh": "受影响 {range}"},
    "fixed_in": {"en": "fixed in {version}", "zh": "{version} 已修复"},
    "models": {"en": "Models", "zh": "模型"},
    "rivals": {"en": "Look-alikes", "zh": "容易混淆的案例"},
    "rival": {"en": "Possible cause", "zh": "可能的原因"},
    "checks_between": {"en": "What tells them apart", "zh": "如何区分"},
    "check": {"en": "Check", "zh": "检查"},
    "cost": {"en": "effort {cost} of 5", "zh": "代价 {cost}/5"},
    "either": {"en": "either", "zh": "均可"},
    "yes_short": {"en": "yes", "zh": "是"},
    "no_short": {"en": "no", "zh": "否"},
    "matrix_note": {
        "en": "Columns are checks, explained below. The answer in a row is the one this cause needs; a dot means that "
        "the check says nothing about it.",
        "zh": "每列是一项检查，说明见下。格中是该原因成立时应有的回答；圆点表示这项检查与它无关。",
    },
    "retired": {"en": "This incident is retired; it is replaced by", "zh": "该案例已停用，由此取代："},
    "draft": {"en": "A draft, not reviewed yet.", "zh": "草稿，尚未复核。"},
    "back": {"en": "Back to the case", "zh": "回到案情"},
    "open_page": {"en": "Open as a page", "zh": "单独打开"},
    "not_found": {"en": "Not found", "zh": "没有找到"},
    "not_found_more": {
        "en": "There is nothing here under this name. Incidents may have been renamed; the search finds them.",
        "zh": "这里没有这个名字的内容。案例可能已改名，可以搜索。",
    },
    "case_unknown": {
        "en": "This case is not known here. Cases open only in the browser that made them, and end when deleted or "
        "when their time is over.",
        "zh": "这里没有这个案例。案例只能在创建它的浏览器中打开，删除或过期后即失效。",
    },
    "saved_case": {"en": "Saved case", "zh": "保存的案例"},
    "sent": {"en": "What was sent (redacted)", "zh": "发送的内容（已脱敏）"},
    "answer": {"en": "Answer", "zh": "回答"},
    # --- what became of it
    "outcome_fixed": {"en": "Confirmed here: it fixed {count} case(s).", "zh": "本机反馈：解决了 {count} 例。"},
    "outcome_not_mine": {
        "en": "Said here not to be the problem: {count}.",
        "zh": "本机反馈：{count} 例说不是这个问题。",
    },
    "gaps_title": {"en": "What to write next", "zh": "接下来该写什么"},
    "gaps_more": {
        "en": "Questions that found no answer, or one that was voted down, in clusters; redacted.",
        "zh": "没有答上、或答案被否定的问题，按主题归类；已脱敏。",
    },
    "gaps_none": {"en": "No open question so far.", "zh": "目前没有未答上的问题。"},
    "gap_counts": {
        "en": "{count} × asked, {unanswered} unanswered, {votes} voted down",
        "zh": "问过 {count} 次，{unanswered} 次没答上，{votes} 次被否定",
    },
    # --- files
    "file_gz_broken": {"en": "{name}: the gzip data is broken", "zh": "{name}：gzip 数据已损坏"},
    "file_gz_big": {
        "en": "{name}: unpacks to more than {limit} MB; send the part around the first error",
        "zh": "{name}：解压后超过 {limit} MB；请只发最早报错附近的部分",
    },
    "file_many": {"en": "{count} files: at most {limit} at once", "zh": "{count} 个文件：一次最多 {limit} 个"},
    "file_empty": {"en": "{name}: is empty", "zh": "{name}：是空文件"},
    "file_picture": {
        "en": "{name}: a picture. Screenshots are not read; paste the text instead.",
        "zh": "{name}：是图片。不识别截图，请粘贴文字。",
    },
    # --- export
    "export_title": {"en": "Failure report", "zh": "故障报告"},
    "export_environment": {"en": "Environment", "zh": "环境"},
    "export_symptom": {"en": "What was seen", "zh": "现象"},
    "export_causes": {"en": "Causes considered", "zh": "考虑过的原因"},
    "export_footer": {
        "en": "Written by Casebook, base {version}; secrets, names and addresses were removed.",
        "zh": "由 Casebook 生成，案例库版本 {version}；密钥、人名、地址已抹去。",
    },
    "copy": {"en": "Copy", "zh": "复制"},
    "copied": {"en": "Copied", "zh": "已复制"},
    "download": {"en": "Download", "zh": "下载"},
    # --- areas
    "area_training": {"en": "training", "zh": "训练"},
    "area_data": {"en": "data", "zh": "数据"},
    "area_memory": {"en": "memory", "zh": "显存与内存"},
    "area_distributed": {"en": "distributed", "zh": "分布式"},
    "area_serving": {"en": "serving", "zh": "推理服务"},
    "area_quantization": {"en": "quantization", "zh": "量化"},
    "area_environment": {"en": "environment", "zh": "环境"},
}

EXAMPLES: Mapping[Lang, tuple[tuple[str, str], ...]] = {
    "en": (
        ("loss 0.0 from step 1 in Axolotl", "[axolotl.train] starting trainer\n"
         "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}\n"
         "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 8e-07, 'epoch': 0.02}"),
        ("a gradient spike, then zero",
         "Full fine-tune of Qwen-7B with DeepSpeed: gradients spike to thousands, then loss is 0 within ten steps"),
        ("exclamation marks from vLLM", "vLLM answers with nothing but exclamation marks: !!!!!!!!"),
    ),
    "zh": (
        ("GRPO 的 loss 一直是 0", "GRPO 训练时 loss 一直是 0，reward_std 也是 0"),
        ("梯度飙升后归零", "Qwen-7B 全量微调，用 DeepSpeed，梯度先飙到几千，十步之内 loss 就归零了"),
        ("vLLM 输出全是感叹号", "vLLM 部署 Qwen 之后输出全是感叹号 !!!!!!!!"),
    ),
}  # fmt: skip

tell = partial(worded, TEXTS)
