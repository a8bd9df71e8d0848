#include "cli/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "mth5/time.hpp"

namespace cli {

namespace {

constexpr std::chrono::seconds kQuiet{1};  ///< at first: most reports are done by then
constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::size_t kWidth = 40;  ///< characters of the bar

/// A terminal that takes nothing costs the bar, and no more.
void put(int fd, const std::string& text) {
  const auto written = write(fd, text.data(), text.size());
  static_cast<void>(written);
}

}  // namespace

ProgressBar::ProgressBar(int fd, bool wanted)
    : fd_{fd}, wanted_{wanted && isatty(fd) == 1}, next_{mth5::steady_now().time_since_epoch() + kQuiet} {}

void ProgressBar::show(std::int64_t done, std::int64_t all) {
  const auto now = wanted_ ? mth5::steady_now().time_since_epoch() : std::chrono::nanoseconds{0};
  if (!wanted_ || all <= 0 || now < next_) return;
  next_ = now + kRedraw;
  shown_ = true;
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(all), 0.0, 1.0);
  const auto full = static_cast<std::size_t>(share * kWidth);
  put(fd_, "\r[" + std::string(full, '#') + std::string(kWidth - full, ' ') + "] " +
               std::to_string(static_cast<int>(100 * share)) + " % of " + std::to_string(all) + " samples ");
}

void ProgressBar::clear() {
  if (shown_) put(fd_, "\r" + std::string(kWidth + 40, ' ') + "\r");
  shown_ = false;
}

}  // namespace cli
