"""Series → signals, with the numbers behind them: one rule for each signal, in this order."""

from kb.evidence import gradient_shapes as gradient
from kb.evidence import loss_shapes as loss
from kb.evidence import run_shapes as run
from kb.evidence.model import SignalSeen
from kb.evidence.shape_tools import Columns, Rule, bad_values

RULES: tuple[tuple[str, Rule], ...] = (
    ("loss-nan", bad_values("loss")),
    ("loss-nan-hidden", loss.loss_nan_hidden),
    ("loss-zero-from-start", loss.loss_zero_from_start),
    ("loss-zero-onset", loss.loss_zero_onset),
    ("loss-huge-at-start", loss.loss_huge_at_start),
    ("loss-scaled-up", loss.loss_scaled_up),
    ("loss-spike", loss.loss_spike),
    ("loss-diverging", loss.loss_diverging),
    ("loss-plateau", loss.loss_plateau),
    ("loss-drops-at-epoch", loss.loss_drops_at_epoch),
    ("loss-near-zero-overfit", loss.loss_near_zero_overfit),
    ("eval-loss-rising", loss.eval_loss_rising),
    ("eval-loss-nan", bad_values("eval_loss")),
    ("grad-norm-zero", gradient.grad_norm_zero),
    ("grad-norm-nan", gradient.grad_norm_nan),
    ("grad-norm-inf", gradient.grad_norm_inf),
    ("grad-norm-constant", gradient.grad_norm_constant),
    ("grad-norm-spike", gradient.grad_norm_spike),
    ("grad-norm-tiny", gradient.grad_norm_tiny),
    ("grad-spike-then-zero", gradient.grad_spike_then_zero),
    ("grad-nonzero-loss-zero", gradient.grad_nonzero_loss_zero),
    ("fp16-scaler-warmup", gradient.fp16_scaler_warmup),
    ("lr-zero", gradient.lr_zero),
    ("reward-std-zero", run.reward_std_zero),
    ("reward-zero", run.reward_zero),
    ("reward-flat", run.reward_flat),
    ("reward-collapse", run.reward_collapse),
    ("kl-spike", run.kl_spike),
    ("entropy-collapse", run.entropy_collapse),
    ("completions-clipped", run.completions_clipped),
    ("rewards-chosen-falling", run.rewards_chosen_falling),
    ("throughput-drop", run.throughput_drop),
    ("memory-growing", run.memory_growing),
)


def signals(name: str, columns: Columns) -> list[SignalSeen]:
    """The signals of one input's columns; `name` is the input's."""
    out = []
    for signal, rule in RULES:
        seen = rule(columns)
        if seen is not None:
            found = SignalSeen(
                name=signal, input=name, lines=seen.lines, values=seen.values, steps=seen.steps, seen_in="metric"
            )
            out.append(found)
    return out
