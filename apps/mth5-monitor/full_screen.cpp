#include "mth5-monitor/full_screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "cli/cli.hpp"
#include "mth5-monitor/follower.hpp"
#include "mth5-monitor/terminal.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "view/collector.hpp"
#include "view/keys.hpp"

namespace monitor {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kFill{40};   ///< that older samples are read for at a time: a key waits no longer
constexpr std::chrono::milliseconds kPause{60};  ///< between two of those, so that others have the processor and the disk

/// Held until the loop looks for them; SIGINT and SIGTERM are held by hold_signals().
mth5::Descriptor watch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return mth5::Descriptor{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
}

/// Stops this process as Ctrl-Z does, and returns when the shell lets it go on.
void stop_here() {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(SIGTSTP);
  pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

class FullScreen {
 public:
  FullScreen(const FollowOptions& options, Terminal& terminal, const ScreenOptions& screen)
      : options_{options},
        terminal_{terminal},
        collector_{options.look.station},
        follower_{options,
                  {[this](const auto& line) { collector_.page().message = line; },
                   [this](const auto& line) { collector_.page().message = "error: " + line; }},
                  &collector_,
                  analysis::Watch::Reading::InParts},
        signals_{watch_signals()} {
    if (signals_.get() < 0) throw mth5::FileError{"signalfd: cannot wait for signals"};
    ui_.glyphs = glyphs_of_terminal(screen.ascii);
    collector_.page().reference = screen.reference;
    collector_.page().components = options_.look.components;
  }

  int run() {
    collector_.page().now = follower_.now();
    draw();  // the first look takes a while on a slow disk
    follower_.start();
    auto next_look = mth5::steady_now();
    while (true) {
      if (mth5::steady_now() >= next_look) {
        look();
        next_look = std::max(next_look + interval(), mth5::steady_now());
      }
      if (changed_ && mth5::steady_now() >= not_before_) draw();
      auto until = changed_ ? std::min(next_look, not_before_) : next_look;
      if (fill()) until = std::min(until, mth5::steady_now() + kPause);
      if (const auto code = wait_until(until)) return *code;
    }
  }

 private:
  [[nodiscard]] Clock::duration interval() const { return std::chrono::duration_cast<Clock::duration>(options_.interval); }

  [[nodiscard]] bool says(std::string_view what) const { return collector_.page().message.find(what) != std::string::npos; }

  void look() {
    collector_.begin();
    const auto loss = follower_.loss();
    auto seen = follower_.next();
    changed_ = true;
    collector_.page().now = follower_.now();
    collector_.page().lost = follower_.lost();
    if (!seen) return;
    const auto state = seen->state;
    try {
      collector_.take(std::move(*seen), follower_.file()->file(), follower_.watch());
    } catch (const mth5::FileError& e) {
      collector_.page().message = std::string{e.what()} + "; trying again";
    }
    // What was lost stands there for a look at least, though another file is there already.
    if ((follower_.is_new() && says("waiting for")) || (!loss.empty() && says(loss))) collector_.page().message.clear();
    // That nothing was being written is over.
    const bool is_stale = says("no file is being written") || says("is not being written any more");
    if (state == mth5::FileState::Live && is_stale) collector_.page().message.clear();
    if (state == mth5::FileState::Live) {
      ended_ = false;
    } else if (follower_.is_directory()) {
      follower_.keep_ended();  // the next look finds what is written now; until then older samples can be seen
    } else if (!ended_) {
      ended_ = true;
      collector_.page().message = options_.replay > 0 ? "the end of the recording" : "the file is not being written any more";
    }
    if (state == mth5::FileState::Live && was_ended_) follower_.leave();  // resumed: it is to be opened again
    was_ended_ = ended_;
  }

  /// Reads older samples between two keys, first for the verdict, then for the views. @returns whether there is more to read
  bool fill() {
    if (follower_.file() == nullptr) return false;
    if (mth5::steady_now() < next_fill_) return filling_;
    const bool was_filling = filling_;
    try {
      filling_ = fill_shown_first() || follower_.read_older(collector_.all_series(), kFill) || fill_view();
    } catch (const mth5::FileError&) {  // its writer changes it just now: the next time reads it
      filling_ = true;
    }
    if (collector_.is_new() || filling_ || was_filling) changed_ = true;
    next_fill_ = mth5::steady_now() + kPause;
    return filling_;
  }

  /// Of what is shown alone.
  bool fill_shown_first() {
    if (ui_.view == 2) return collector_.fill_spectra(follower_.file()->file(), kFill);
    return ui_.view == 3 && collector_.fill_spectrogram(follower_.file()->file(), ui_, kFill);
  }

  bool fill_view() {
    if (ui_.view == 4) return collector_.fill_spectra(follower_.file()->file(), kFill);
    const auto newest = collector_.page().traces->end();
    if (ui_.view == 1 && newest) {
      const auto from = ui_.end.value_or(*newest) - view::windows()[ui_.window];
      if (collector_.fill(follower_.file()->file(), *newest - from, kFill)) return true;
    }
    return collector_.fill_spectra(follower_.file()->file(), kFill);  // the verdict knows from them how it is connected
  }

  void draw() {
    collector_.show(ui_.differences);
    const auto& page = collector_.page();
    const auto screen = view::draw(terminal_.rows(), terminal_.columns(), page, ui_.frozen && frozen_ ? *frozen_ : page, ui_);
    const auto takes = terminal_.draw(screen, all_);
    not_before_ = mth5::steady_now() + takes;
    changed_ = all_ = false;
  }

  /// @returns the exit code if it is over
  std::optional<int> wait_until(Clock::time_point end) {
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
    const auto left = std::max(Clock::duration::zero(), end - mth5::steady_now());
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (poll(polled.data(), polled.size(), static_cast<int>(std::min<std::int64_t>(wait, 60'000))) < 0 && errno != EINTR)
      throw mth5::FileError{"poll: cannot wait for keys"};
    if ((polled[1].revents & POLLIN) != 0)
      if (const auto code = take_signals()) return code;
    if ((polled[0].revents & POLLIN) != 0)
      if (const auto code = take_keys()) return code;
    if ((polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return cli::kDone;  // the terminal is gone
    return std::nullopt;
  }

  std::optional<int> take_signals() {
    for (signalfd_siginfo info{}; read(signals_.get(), &info, sizeof info) == sizeof info;) {
      switch (static_cast<int>(info.ssi_signo)) {
        case SIGINT:
          return cli::kInterrupted;
        case SIGWINCH:
          terminal_.resize();
          changed_ = true;
          break;
        case SIGTSTP:
          terminal_.leave();
          stop_here();
          [[fallthrough]];
        case SIGCONT:  // others may have stopped it, and the shell has changed the terminal since
          terminal_.come_back();
          changed_ = all_ = true;
          break;
        default:
          return cli::kDone;
      }
    }
    return std::nullopt;
  }

  std::optional<int> take_keys() {
    bool any = false;
    while (const auto key = terminal_.key()) {
      any = true;
      const bool was_frozen = ui_.frozen.has_value();
      switch (view::press(*key, frozen_ ? *frozen_ : collector_.page(), ui_, collector_.page().now)) {
        case view::Action::Nothing:
          continue;
        case view::Action::Quit:
          return cli::kDone;
        case view::Action::Save:
          save();
          break;
        case view::Action::Redraw:
          all_ = true;
          break;
        case view::Action::Draw:
          break;
      }
      if (ui_.frozen && !was_frozen) frozen_ = collector_.copy();
      if (!ui_.frozen) frozen_.reset();
      changed_ = true;
    }
    if (!any && ++empty_ > 3) return cli::kDone;  // readable, and nothing to read: the other end is closed
    if (any) empty_ = 0;
    return std::nullopt;
  }

  /// The screen as text, into a new file.
  void save() {
    auto& page = collector_.page();
    auto stem = "mth5-monitor_" + mth5::to_iso(std::chrono::floor<std::chrono::seconds>(mth5::host_now()));
    std::erase(stem, ':');
    const auto screen = view::draw(terminal_.rows(), terminal_.columns(), page, frozen_ ? *frozen_ : page, ui_);
    auto name = stem + ".txt";
    std::FILE* file = std::fopen(name.c_str(), "wx");
    for (int n = 2; file == nullptr && errno == EEXIST; ++n) {  // of the same second
      name = stem + "_" + std::to_string(n) + ".txt";
      file = std::fopen(name.c_str(), "wx");
    }
    const auto text = screen.text();
    const bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = file == nullptr || std::fclose(file) == 0;
    page.message = good && closed ? "saved: " + name : name + ": cannot be written: " + std::generic_category().message(errno);
  }

  const FollowOptions& options_;
  Terminal& terminal_;
  view::Collector collector_;
  Follower follower_;
  mth5::Descriptor signals_;
  view::Ui ui_;
  std::optional<view::Page> frozen_;
  bool changed_ = true;  ///< the screen is not up to date
  bool all_ = false;     ///< draw everything
  bool ended_ = false, was_ended_ = false;
  bool filling_ = false;
  Clock::time_point next_fill_{};
  int empty_ = 0;
  Clock::time_point not_before_{};  ///< the line is busy until then
};

}  // namespace

bool can_show_screen() {
  const char* term = std::getenv("TERM");
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return false;
  if (term == nullptr || *term == '\0' || std::string_view{term} == "dumb") return false;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return false;
  return size.ws_row >= view::kLeastRows && size.ws_col >= view::kLeastColumns;
}

std::optional<int> full_screen(const FollowOptions& options, const ScreenOptions& screen) {
  const auto terminal = Terminal::open(screen.color);
  if (!terminal) return std::nullopt;
  auto without = options;
  without.look.window = {};  // mean, std and the like are not shown: their samples are not read again
  return FullScreen{without, *terminal, screen}.run();
}

}  // namespace monitor
