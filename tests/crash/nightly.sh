#!/usr/bin/env bash
# Power cuts by the thousand: builds the release preset, makes and checks images of every scenario and model, and prints the table.
#   tests/crash/nightly.sh [--images N] [--seed S] [--keep DIR] ...     20,000 images and the day as seed unless told; other options of
#                                                                        crash_images go to it as they are
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
python=${MTH5_TEST_PYTHON:-build/venv/bin/python}
[[ -x $python ]] || fail "there is no Python with mth5 at $python; scripts/setup.sh --test makes one"
build release crash_images
say "crash images (failures: the line below each makes the image again)"
build/release/crash/crash_images --images 20000 --seed "$(date +%Y%m%d)" --jobs "$(nproc)" --python "$python" "$@"
