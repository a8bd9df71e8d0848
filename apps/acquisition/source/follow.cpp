#include <fcntl.h>
#include <fnmatch.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/stream_source.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/time.hpp"

namespace daq::source {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

using Steady = std::chrono::steady_clock;

/// Reads what is added to a file, or to the files of a directory one after the other. inotify says that something has changed,
/// and where it cannot (a network file system), or does not, one look a second finds it. Waits when the ring is full: a file
/// keeps what is in it. A frame does not go on from one file to the next.
class FollowSource final : public Source {
 public:
  FollowSource(asio::io_context& io, const config::Source& config, const config::ReplayFile& file, bool until_eof,
               Listener listener)
      : io_{io},
        config_{config},
        file_{file},
        until_eof_{until_eof},
        listener_{std::move(listener)},
        name_{to_string(config.input)},
        folder_{!file.directory.empty()           ? file.directory
                : file.path.parent_path().empty() ? fs::path{"."}
                                                  : file.path.parent_path()},
        tick_{io},
        changes_{io},
        buffer_(kLongestRead) {}

  void start() override {
    last_data_ = mth5::steady_now();
    step();
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    tick_.cancel();
    changes_.close();
    asio::post(io_, [this] { listener_.ended(); });
  }

  void resume() override {
    if (std::exchange(paused_, false) && !stopped_) later();
  }

 private:
  static constexpr std::chrono::seconds kLook{1};
  static constexpr std::size_t kWatchedBehind = 8;  ///< files of a directory that are looked at after the next one began

  struct Done {
    fs::path path;
    off_t size;  ///< bytes of it that are read or told of
  };

  void later() {
    asio::post(io_, [this] { step(); });
  }

  void step() {
    if (stopped_ || paused_) return;
    if (!fd_ && !open()) return wait();
    if (!listener_.has_room(buffer_.size())) {
      paused_ = true;
      return;
    }
    if (is_rewritten()) {
      read_again(ledger::InputFault::Rewritten, "is not any more what was read of it");
      return later();
    }
    ssize_t n = 0;
    do n = ::read(fd_.get(), buffer_.data(), buffer_.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) {
      lose(std::generic_category().message(errno));
      return wait();
    }
    if (n > 0) {
      position_ += n;
      keep_tail({buffer_.data(), static_cast<std::size_t>(n)});
      last_data_ = mth5::steady_now();
      rests_ = false;
      listener_.bytes(arrived(buffer_.data(), static_cast<std::size_t>(n)));
      return later();  // others get their turn
    }
    if (at_end()) return later();
    wait();
  }

  /// All of the file is read. @returns true if there is something else to read now
  bool at_end() {
    struct stat open_file {};
    if (fstat(fd_.get(), &open_file) != 0) return false;
    if (open_file.st_size < position_) {
      read_again(ledger::InputFault::Shrunk, "became shorter (" + std::to_string(position_) + " bytes were read, " +
                                                 std::to_string(open_file.st_size) + " are there)");
      return true;
    }
    look_behind();
    if (file_.directory.empty() ? !is_replaced(open_file) : !is_done(open_file)) return false;
    // Its writer went on elsewhere, maybe after the read above found nothing: what he wrote until then is in by now.
    if (fstat(fd_.get(), &open_file) == 0 && open_file.st_size > position_) return true;
    end_piece();
    if (!file_.directory.empty()) done_.push_back({path_, position_});
    if (done_.size() > kWatchedBehind) done_.pop_front();
    fd_.reset();
    return open();
  }

  void read_again(ledger::InputFault fault, const std::string& what) {
    if (listener_.fault)
      listener_.fault(fault, 1, name_ + ": " + path_.string() + " " + what + "; it is read again from its beginning");
    end_piece();
    position_ = lseek(fd_.get(), 0, SEEK_SET);
    tail_.clear();
  }

  void keep_tail(std::span<const char> read) {
    constexpr std::size_t kTail = 256;
    read = read.last(std::min(read.size(), kTail));
    tail_.insert(tail_.end(), read.begin(), read.end());
    if (tail_.size() > kTail) tail_.erase(tail_.begin(), tail_.end() - kTail);
  }

  /// Whether what was read last stands there no more, as where another program wrote the file anew with as many bytes or more.
  [[nodiscard]] bool is_rewritten() {
    if (tail_.empty()) return false;
    there_.resize(tail_.size());
    const auto n = pread(fd_.get(), there_.data(), there_.size(), position_ - static_cast<off_t>(there_.size()));
    return n == static_cast<ssize_t>(there_.size()) && there_ != tail_;
  }

  /// Whether the path leads to another file by now. If to none: what still comes into the open one is read.
  [[nodiscard]] bool is_replaced(const struct stat& open_file) const {
    struct stat there {};
    return ::stat(file_.path.c_str(), &there) == 0 && (there.st_dev != open_file.st_dev || there.st_ino != open_file.st_ino);
  }

  /// Whether the directory has a next file, and nothing has been added to this one for long enough: by the clock of the file
  /// system, or by ours.
  [[nodiscard]] bool is_done(const struct stat& open_file) {
    const auto next = next_name();
    if (!next) return false;
    struct stat later {};
    const bool known = ::stat((folder_ / *next).c_str(), &later) == 0;
    const auto age = std::chrono::seconds{known ? later.st_mtim.tv_sec - open_file.st_mtim.tv_sec : 0};
    return age >= file_.next_after || mth5::steady_now() - last_data_ >= file_.next_after;
  }

  /// Tells of files that have grown since the next one began.
  void look_behind() {
    for (auto& file : done_) {
      std::error_code gone;
      const auto size = static_cast<off_t>(fs::file_size(file.path, gone));
      if (gone || size <= file.size) continue;
      if (listener_.fault)
        listener_.fault(ledger::InputFault::AddedLate, static_cast<std::uint64_t>(size - file.size),
                        name_ + ": " + file.path.string() + " has grown by " + std::to_string(size - file.size) +
                            " bytes since the next file began; they are read when mth5d starts again");
      file.size = size;
    }
  }

  /// What is pending cannot go on: an empty piece that is whole.
  void end_piece() { listener_.bytes(arrived(nullptr, 0, true)); }

  /// The next file of the directory, by name; also tells of those that came too late for their place.
  std::optional<std::string> next_name() {
    std::optional<std::string> next;
    std::string missed;
    std::error_code none;
    for (fs::directory_iterator all{folder_, none}; !none && all != fs::directory_iterator{}; all.increment(none)) {
      auto name = all->path().filename().string();
      std::error_code gone;
      if (fnmatch(file_.pattern.c_str(), name.c_str(), FNM_PERIOD) != 0 || !all->is_regular_file(gone)) continue;
      if (!read_.empty() && name <= *read_.rbegin()) {
        if (!read_.contains(name)) missed = name;
      } else if (!next || name < *next) {
        next = std::move(name);
      }
    }
    if (!missed.empty() && missed != missed_ && listener_.told)
      listener_.told(name_ + ": '" + missed + "' comes before '" + *read_.rbegin() + "', which is read already; it is not read");
    missed_ = std::move(missed);
    return next;
  }

  bool open() {
    if (file_.directory.empty()) {
      path_ = file_.path;
    } else if (!again_) {
      const auto next = next_name();
      if (!next) {
        refuse("there is no file yet");
        return false;
      }
      path_ = folder_ / *next;
    }
    fd_ = mth5::Descriptor{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat opened {};
    if (!fd_ || fstat(fd_.get(), &opened) != 0) {
      const int error = errno;
      fd_.reset();
      if (error == ENOENT) again_.reset();  // taken away: there is nothing to be read on
      refuse(std::generic_category().message(error));
      return false;
    }
    if (!S_ISREG(opened.st_mode)) {
      fd_.reset();
      refuse("is no file that grows: neither a folder nor a device can be followed; give directory, or another input");
      return false;
    }
    if (!file_.directory.empty()) read_.insert(path_.filename().string());
    const bool same = again_ && again_->st_dev == opened.st_dev && again_->st_ino == opened.st_ino;
    again_.reset();
    last_data_ = mth5::steady_now();
    position_ = lseek(fd_.get(), same ? position_ : 0, SEEK_SET);
    if (!same) tail_.clear();
    if (!std::exchange(connected_, true)) listener_.connected();
    return true;
  }

  void refuse(const std::string& why) {
    const bool was = std::exchange(connected_, false);
    listener_.disconnected(name_ + ": " + (path_.empty() || path_ == file_.path ? "" : path_.string() + ": ") + why, was);
  }

  /// The file is closed, and opened again where it was left.
  void lose(const std::string& why) {
    struct stat was {};
    if (fstat(fd_.get(), &was) == 0) again_ = was;
    fd_.reset();
    connected_ = false;
    listener_.disconnected(name_ + ": " + why, true);
  }

  /// For the next change, or the next look.
  void wait() {
    if (fd_ && !rests_ && mth5::steady_now() - last_data_ >= config_.idle_timeout) {
      rests_ = true;
      if (until_eof_) {
        stopped_ = true;
        changes_.close();
        return listener_.ended();
      }
      // It stays open: the rest of a frame may come as late as the writer likes.
      if (listener_.told)
        listener_.told(name_ + ": no data for " + config::format_duration(config_.idle_timeout) + " (idle_timeout)");
    }
    tick_.expires_after(kLook);
    tick_.async_wait([this](const boost::system::error_code& error) {
      if (!error) step();
    });
    watch();
  }

  void watch() {
    if (!changes_.is_open()) {
      mth5::Descriptor fd{inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
      if (!fd) return;  // then the looks have to do
      if (inotify_add_watch(fd.get(), folder_.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
        return;
      changes_.assign(fd.release());
      return later();  // what happened until now was not watched
    }
    if (std::exchange(watching_, true)) return;
    changes_.async_read_some(asio::buffer(events_), [this](const boost::system::error_code& error, std::size_t) {
      watching_ = false;
      if (error || stopped_) return;
      tick_.cancel();
      step();
    });
  }

  asio::io_context& io_;
  const config::Source& config_;
  const config::ReplayFile& file_;
  const bool until_eof_;
  Listener listener_;
  const std::string name_;
  const fs::path folder_;
  asio::steady_timer tick_;
  asio::posix::stream_descriptor changes_;
  std::array<char, 4096> events_{};
  std::vector<char> buffer_;
  mth5::Descriptor fd_;
  fs::path path_;                     ///< of the open file
  off_t position_ = 0;                ///< bytes of it that were read
  std::vector<char> tail_;            ///< the last of these bytes
  std::vector<char> there_;           ///< what stands in their place now
  std::deque<Done> done_;             ///< of a directory, the last ones
  std::optional<struct stat> again_;  ///< a file that is to be opened again, and read on from position_
  std::set<std::string> read_;        ///< names in the directory that were opened
  std::string missed_;
  Steady::time_point last_data_;
  bool rests_ = false;  ///< for longer than idle_timeout
  bool connected_ = false, watching_ = false, stopped_ = false, paused_ = false;
};

/// Standard input that something writes: a pipe, a socket, a terminal.
class StandardInput final : public Opener {
 public:
  void open(Done done) override {
    // Opened anew: it is non-blocking for us, and not for others who have it too. A socket cannot be.
    mth5::Descriptor fd{::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!fd && (fd = mth5::Descriptor{fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)}))
      fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    const auto problem = fd ? std::string{} : "file:-: " + std::generic_category().message(errno);
    done(std::move(fd), problem);
  }
  void cancel() override {}
  [[nodiscard]] bool is_once() const override { return true; }
};

/// Whether there is something that can be waited for.
bool is_stream(int fd) {
  struct stat found {};
  return fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode) || isatty(fd) == 1);
}

}  // namespace

std::unique_ptr<Source> make_file(asio::io_context& io, const config::Source& config, const config::ReplayFile& file,
                                  bool until_eof, Listener listener) {
  if (file.follow) return std::make_unique<FollowSource>(io, config, file, until_eof, std::move(listener));
  if (file.is_stdin() && is_stream(STDIN_FILENO))
    return std::make_unique<StreamSource>(io, config, true, true, std::make_unique<StandardInput>(), std::move(listener));
  return make_file_source(io, config, file, std::move(listener));
}

}  // namespace daq::source
