"""The student's sampler on denoisers whose answers are known."""

import pytest
import torch

from pdm.sampling.solvers import image_noise
from pdm.sampling.student import LEVELS, TUNED_STEPS, check_student_steps, sample_student
from tests.tiny import GaussianDenoiser, random_condition, seeds


class FlowEnd(GaussianDenoiser):
    """The perfect student of that denoiser: the end of the flow through x."""

    def __call__(self, x, sigma, condition):
        super().__call__(x, sigma, condition)
        return self.ode_end(x, sigma[:, None, None, None])


def painted(student, steps: int, numbers=(1, 2), side: int = 4, **options):
    generators, condition = seeds(*numbers), options.pop("condition", random_condition(len(numbers)))
    noise = image_noise(generators, (1, side, side), "cpu")
    return noise, list(sample_student(student, noise, condition, steps=steps, generators=generators, **options))


@pytest.mark.parametrize("steps", TUNED_STEPS)
def test_it_asks_the_student_once_a_step_at_falling_levels_from_pure_noise(steps):
    student = FlowEnd()
    noise, made = painted(student, steps)
    assert [level for level, _ in student.asked] == pytest.approx(LEVELS[steps])
    assert sorted(LEVELS[steps], reverse=True) == list(LEVELS[steps]) and len(LEVELS[steps]) == steps
    torch.testing.assert_close(student.asked[0][1], LEVELS[steps][0] * noise)
    assert [(s.index, s.total) for s in made] == [(i, steps) for i in range(steps)]


def test_later_steps_start_from_the_last_picture_with_fresh_noise_of_each_images_generator():
    student = FlowEnd()
    _, made = painted(student, 4)
    generators = seeds(1, 2)
    image_noise(generators, (1, 4, 4), "cpu")  # what the first step took
    for i in (1, 2, 3):
        fresh = image_noise(generators, (1, 4, 4), "cpu")
        torch.testing.assert_close(student.asked[i][1], made[i - 1].denoised + LEVELS[4][i] * fresh)


@pytest.mark.parametrize("steps", TUNED_STEPS)
def test_a_perfect_student_draws_from_the_data(steps):
    _, made = painted(FlowEnd(mean=0.3, std=0.5), steps, numbers=(5,), side=128)
    assert made[-1].denoised.mean().item() == pytest.approx(0.3, abs=0.02)
    assert made[-1].denoised.std().item() == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("steps", TUNED_STEPS)
def test_image_i_is_the_same_in_any_batch(steps):
    batch, alone = (painted(FlowEnd(), steps, numbers)[1][-1].denoised for numbers in ((7, 8, 9), (8,)))
    torch.testing.assert_close(batch[1:2], alone)
    assert (batch[0] - batch[1]).abs().max() > 0.1


def test_guidance_combines_both_predictions_and_one_costs_one_call():
    student = GaussianDenoiser(mean=0.4, null_mean=-0.2)
    _, made = painted(student, 1, guidance_scale=3.0)
    x = student.asked[0][1][:2]
    assert [len(x) for _, x in student.asked] == [4]
    level, condition = torch.full((2,), LEVELS[1][0]), random_condition(2)
    clean, null = student(x, level, condition), student(x, level, condition.dropped(torch.ones(2, dtype=torch.bool)))
    torch.testing.assert_close(made[0].denoised, null + 3.0 * (clean - null))
    student.asked.clear()
    painted(student, 2)
    assert [len(x) for _, x in student.asked] == [2, 2]


def test_guidance_keeps_to_its_interval():
    student = GaussianDenoiser(mean=0.4, null_mean=-0.2)
    painted(student, 4, guidance_scale=2.0, guidance_interval=(1.0, 10.0))
    assert [len(x) == 4 for _, x in student.asked] == [1 <= level <= 10 for level in LEVELS[4]]


@pytest.mark.parametrize(("steps", "nearest"), [(3, "2 or 4"), (5, "4"), (10, "4"), (0, "1")])
def test_other_numbers_of_steps_are_refused_with_the_nearest(steps, nearest):
    message = f"num_inference_steps: expected 1, 2 or 4 for the student, the nearest being {nearest}, got {steps}"
    with pytest.raises(ValueError, match=message):
        check_student_steps(steps)
    with pytest.raises(ValueError, match=message):
        painted(FlowEnd(), steps)
