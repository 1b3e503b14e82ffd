"""Every sentence the program itself says, in both languages. Templates are constants with named fields."""

from functools import partial

from app.wording import Table, worded

TEXTS: Table = {
    # --- verdicts
    "diagnosed": {"en": "Most likely: {title}", "zh": "最可能的原因：{title}"},
    "diagnosed_many": {"en": "{count} separate problems found", "zh": "发现 {count} 个独立的问题"},
    "expected": {"en": "This is expected: {title}", "zh": "这是正常现象：{title}"},
    "ambiguous": {
        "en": "{count} causes fit what you sent. The check below separates them.",
        "zh": "有 {count} 个原因都符合目前的信息，用下面的检查可以区分。",
    },
    "insufficient": {"en": "Too little to go on.", "zh": "信息太少，还无法判断。"},
    "no_match": {"en": "Not in the casebook.", "zh": "案例库里没有这个问题。"},
    "nothing_wrong": {"en": "Nothing wrong seen.", "zh": "没有看到异常。"},
    "off_topic": {"en": "Outside of what I know.", "zh": "这超出了我的范围。"},
    # --- reasons
    "reason_matched": {
        "en": "{title} fits best ({percent} %). Understood: {seen}.",
        "zh": "最符合的是“{title}”（{percent} %）。已识别：{seen}。",
    },
    "reason_rivals": {
        "en": "Several incidents fit and nothing sent tells them apart yet. Understood: {seen}.",
        "zh": "多个案例都符合，目前的信息还分不开它们。已识别：{seen}。",
    },
    "reason_too_little": {
        "en": "No error line, metric, version or known symptom was recognised in the text.",
        "zh": "文本里没有识别出报错行、训练指标、版本或已知症状。",
    },
    "reason_unknown": {
        "en": "Understood: {seen}. Searched {incidents} incidents (base {version}); none fits well enough.",
        "zh": "已识别：{seen}。在 {incidents} 个案例（版本 {version}）中检索，没有足够吻合的。",
    },
    "reason_nothing_wrong": {
        "en": "The metrics read ({seen}) look healthy, and there is no error line.",
        "zh": "读到的指标（{seen}）正常，也没有报错行。",
    },
    "reason_off_topic": {
        "en": "The question is not about training, fine-tuning or serving language models.",
        "zh": "这个问题与大模型的训练、微调或部署无关。",
    },
    "seen_nothing": {"en": "the words of the question", "zh": "问题中的文字"},
    # --- asks
    "ask_log": {
        "en": "Paste the log from the first error line on, with the 20 lines before it.",
        "zh": "请贴出日志：从第一条报错开始，并带上它前面的 20 行。",
    },
    "ask_rows": {
        "en": "Paste a few logged rows with loss, grad_norm and learning_rate, and the versions of your packages.",
        "zh": "请贴几行包含 loss、grad_norm、learning_rate 的日志，以及相关软件包的版本。",
    },
    "ask_check": {"en": "Answer this check: {do}", "zh": "请做这个检查：{do}"},
    "ask_domain": {
        "en": "Describe a failure of a training or serving run, or paste its log.",
        "zh": "请描述训练或推理服务的故障，或贴出日志。",
    },
    # --- answer headings
    "why": {"en": "Why", "zh": "依据"},
    "against": {"en": "Against", "zh": "不符"},
    "check": {"en": "Check", "zh": "先检查"},
    "cause": {"en": "Cause", "zh": "原因"},
    "fix": {"en": "Fix", "zh": "修复"},
    "others": {"en": "Also possible", "zh": "其他可能"},
    "next": {"en": "What would decide it", "zh": "如何区分"},
    "nearest": {"en": "Nearest, but not the same", "zh": "相近但不相同"},
    "sources": {"en": "Sources", "zh": "来源"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "no", "zh": "否"},
    "leaves": {"en": "{answer} → {titles}", "zh": "{answer} → {titles}"},
    # --- statuses
    "cause_observed": {"en": "observed", "zh": "已观察到"},
    "cause_suspected": {"en": "suspected", "zh": "推测"},
    "cause_disputed": {"en": "disputed", "zh": "有争议"},
    "fix_confirmed": {"en": "confirmed", "zh": "已确认有效"},
    "fix_reported": {"en": "reported to work", "zh": "有人反馈有效"},
    "fix_untested": {"en": "untested", "zh": "未经验证"},
    # --- supports and contradictions
    "s_signature": {"en": "error line matches: `{text}`", "zh": "报错行吻合：`{text}`"},
    "s_signal": {"en": "{meaning}", "zh": "{meaning}"},
    "s_signal_values": {"en": "{meaning} ({values})", "zh": "{meaning}({values})"},
    "s_component": {"en": "involves {names}", "zh": "涉及 {names}"},
    "s_config": {"en": "{key} = {value} is set", "zh": "配置了 {key} = {value}"},
    "s_words": {"en": "the description reads alike", "zh": "描述相近"},
    "s_version": {"en": "{component} {version} is affected ({range})", "zh": "{component} {version} 受影响（{range}）"},
    "s_check": {"en": "check answered {answer}: {ask}", "zh": "检查结果为“{answer}”：{ask}"},
    "c_signal": {"en": "not seen: {meaning}", "zh": "未见：{meaning}"},
    "c_version": {
        "en": "{component} {version} already has the fix ({range})",
        "zh": "{component} {version} 已包含修复（{range}）",
    },
    "c_version_out": {
        "en": "{component} {version} is not in the affected range ({range})",
        "zh": "{component} {version} 不在受影响范围（{range}）",
    },
    "c_component": {"en": "about {names}, which you do not mention", "zh": "该案例涉及 {names}，你的内容未提到"},
    "c_unused": {"en": "you say you do not use {names}", "zh": "你说没有使用 {names}"},
    "c_check": {"en": "check answered {answer} rules it out: {ask}", "zh": "检查结果为“{answer}”，排除此项：{ask}"},
    "why_not_far": {"en": "shares words, not the error or the signals", "zh": "只是用词相近，报错与现象并不吻合"},
    # --- why a configured model did not word the answer, or not all of it
    "writer_unreachable": {"en": "the model server cannot be reached", "zh": "无法连接模型服务"},
    "writer_resting": {
        "en": "the model server failed several times and is left alone for a moment",
        "zh": "模型服务多次失败，暂时不再调用",
    },
    "writer_unauthorized": {"en": "the model server refuses the key", "zh": "模型服务拒绝了密钥"},
    "writer_unknown_model": {"en": "the model server does not serve this model", "zh": "模型服务没有提供该模型"},
    "writer_redirected": {"en": "the model server redirects to another address", "zh": "模型服务重定向到了其他地址"},
    "writer_overloaded": {"en": "the model server is overloaded", "zh": "模型服务负载过高"},
    "writer_server_error": {"en": "the model server reported an error", "zh": "模型服务报错"},
    "writer_rejected": {"en": "the model server does not take the request", "zh": "模型服务不接受该请求"},
    "writer_too_long": {"en": "the case is longer than the model's context", "zh": "内容超出了模型的上下文长度"},
    "writer_slow": {"en": "the model took too long", "zh": "模型响应超时"},
    "writer_broken_off": {"en": "the model server broke off", "zh": "模型服务中途断开"},
    "writer_cut_off": {"en": "the model's answer was cut off", "zh": "模型的回答被截断"},
    "writer_endless": {"en": "the model's answer did not end", "zh": "模型的回答没有结束"},
    "writer_nonsense": {"en": "what the model server sent is not an answer", "zh": "模型服务返回的内容不是有效的回答"},
    "writer_empty": {"en": "the model said nothing", "zh": "模型没有给出内容"},
    "writer_language": {"en": "the model wrote in another language", "zh": "模型用了另一种语言"},
    "writer_unverified": {
        "en": "too much of what the model wrote is not in the incidents",
        "zh": "模型写的内容有太多在案例中找不到依据",
    },
    "writer_bug": {"en": "a bug in casebook, noted in its log", "zh": "casebook 自身的程序错误，已记入日志"},
    "writer_unusable": {"en": "the model wrote nothing that could be used", "zh": "模型没有写出可用的内容"},
    # --- versions
    "v_unknown": {"en": "no version of an affected component given", "zh": "没有给出相关组件的版本"},
    "v_none": {"en": "no affected versions are known", "zh": "没有已知的受影响版本"},
    "chat_hello": {
        "en": "Describe the failure or paste a log; a blank line sends, Ctrl-D ends. Nothing you send is stored.",
        "zh": "请描述故障或贴出日志；空行发送，Ctrl-D 结束。你发送的内容不会被保存。",
    },
    # --- notes
    "own_check": {"en": "Is it this: {title}?", "zh": "是不是这个问题：{title}？"},
    "retired": {"en": "replaced by {id}", "zh": "已由 {id} 取代"},
}

say = partial(worded, TEXTS)
