#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/stream_source.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/time.hpp"

namespace daq::source {

namespace asio = boost::asio;

namespace {

/// Plays a recording: as fast as the ring takes it, or a frame after the other at `speed` times the rate of the instrument. Waits
/// when the ring is full; loses nothing.
class FileSource final : public Source {
 public:
  FileSource(asio::io_context& io, const config::Source& config, const config::ReplayFile& file, Listener listener)
      : io_{io},
        file_{file},
        rate_{config.instrument.sample_rate},
        decoder_{config.instrument.decoder},
        listener_{std::move(listener)},
        timer_{io} {}

  void start() override {
    try {
      if (!file_.is_stdin()) fd_ = mth5::open_regular(file_.path);
    } catch (const mth5::FileError& e) {
      std::error_code unknown;
      const auto here = file_.path.is_relative() ? std::filesystem::current_path(unknown).string() : "";
      return fail(std::string{e.what()} + (here.empty() ? "" : "; a relative path begins where mth5d was started, in " + here));
    }
    if (file_.is_stdin() && !(fd_ = mth5::Descriptor{fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)}))
      return fail(file_.path.string() + ": cannot be read: " + std::generic_category().message(errno));
    posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    listener_.connected();
    began_ = mth5::steady_now();
    asio::post(io_, [this] { step(); });
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    timer_.cancel();
    asio::post(io_, [this] { listener_.ended(); });
  }

  void resume() override {
    if (!paused_ || stopped_) return;
    paused_ = false;
    asio::post(io_, [this] { step(); });
  }

 private:
  static constexpr std::size_t kBlock = kLongestRead;

  void fail(const std::string& problem) {
    listener_.disconnected("file:" + problem, false);
    end();
  }

  void end() {
    stopped_ = true;
    listener_.ended();
  }

  // True if there is something in pending_; else the file has ended or failed and the source has said so.
  bool fill() {
    if (begin_ < pending_.size()) return true;
    pending_.resize(kBlock);
    ssize_t n;
    do n = ::read(fd_.get(), pending_.data(), kBlock);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
      pending_.clear();
      begin_ = 0;
      if (n < 0)
        fail(file_.path.string() + ": cannot be read: " + std::generic_category().message(errno));
      else
        end();
      return false;
    }
    pending_.resize(static_cast<std::size_t>(n));
    begin_ = 0;
    return true;
  }

  void give(std::size_t n) {
    listener_.bytes(arrived(pending_.data() + begin_, n));
    begin_ += n;
  }

  void step() {
    if (stopped_) return;
    if (!listener_.has_room(kBlock)) {
      paused_ = true;
      return;
    }
    if (!file_.speed || file_.is_stdin()) {
      if (!fill()) return;
      give(pending_.size() - begin_);
      asio::post(io_, [this] { step(); });
      return;
    }
    const double per_second = rate_ * *file_.speed;
    const std::chrono::duration<double> elapsed = mth5::steady_now() - began_;
    // At most a block before others get their turn.
    for (int n = 0; n < 1000 && static_cast<double>(samples_) <= elapsed.count() * per_second; ++n) {
      if (!fill()) return;
      const auto frame = decode::first_frame(decoder_, {pending_.data() + begin_, pending_.size() - begin_});
      samples_ += frame.n_samples;
      give(frame.bytes > 0 ? frame.bytes : pending_.size() - begin_);
    }
    const std::chrono::duration<double> next{static_cast<double>(samples_) / per_second};
    timer_.expires_at(began_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(next));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) step();  // else stop() has spoken for us
    });
  }

  asio::io_context& io_;
  const config::ReplayFile& file_;
  double rate_;  ///< samples a second
  const decode::Description& decoder_;
  Listener listener_;
  asio::steady_timer timer_;
  mth5::Descriptor fd_;
  std::vector<char> pending_;
  std::size_t begin_ = 0;
  std::uint64_t samples_ = 0;
  std::chrono::steady_clock::time_point began_;
  bool stopped_ = false, paused_ = false;
};

}  // namespace

std::unique_ptr<Source> make_file_source(asio::io_context& io, const config::Source& config, const config::ReplayFile& file,
                                         Listener listener) {
  return std::make_unique<FileSource>(io, config, file, std::move(listener));
}

}  // namespace daq::source
