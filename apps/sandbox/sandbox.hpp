#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>

/// HDF5 trusts what it reads: a damaged file can crash it, or make it loop, or take all memory or all of a disk. So whatever
/// opens a file that this process did not write itself does so in a child with limits, and the parent never hands the file to
/// HDF5 before that child came through.
namespace sandbox {

struct Limits {
  std::chrono::milliseconds cpu_per_object{10'000};   ///< from one Reports::visit() to the next
  std::chrono::milliseconds wall{600'000};            ///< from fork to end
  std::chrono::milliseconds stall{600'000};           ///< from one step to the next, see Watch::step
  std::size_t memory_bytes = std::size_t{2} << 30;    ///< address space beyond the parent's; not held in sanitizer builds
  std::uint64_t file_bytes = 0;                       ///< longest file that the child may write; 0: it only reads
  std::size_t answer_bytes = std::size_t{256} << 20;  ///< of the child's answer
};

/// How the child tells its parent where it is, through memory that stays when the child dies. Thread: the child's.
class Reports {
 public:
  virtual ~Reports() = default;
  /// Before HDF5 touches an object: names it, and starts its time.
  virtual void visit(const std::string& object) = 0;
  /// Passed to Watch::progress.
  virtual void progress(std::int64_t done, std::int64_t total) = 0;
};

struct Watch {
  /// Asked ten times a second and more; true ends the child. May run handlers of the caller (signals).
  std::function<bool()> cancelled = {};
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
  /// Called as often, where the child came further since: it came to an object, told of progress, or the disk answered it
  /// (mth5::io()). One that computes, or waits for the disk, makes no step.
  std::function<void()> step = {};
};

enum class End {
  Done,         ///< the body returned: `answer`
  Damaged,      ///< it threw mth5::FormatError
  Busy,         ///< mth5::BusyError
  Failed,       ///< mth5::Error of any other kind, or another exception
  OutOfMemory,  ///< over `memory_bytes`
  TooLong,      ///< over `cpu_per_object`, `stall` or `wall`
  Crashed,      ///< ended by a signal, or in another way that is none of ours
  Killed,       ///< by SIGKILL, which nothing in a file can cause
  Cancelled
};

struct Outcome {
  End end = End::Crashed;
  std::int64_t pid = 0;  ///< of the child, in the names of files that it left
  std::string answer;    ///< what the body returned; bytes of a process that may have been led astray: to be checked
  std::string message;   ///< what() of the exception
  std::string object;    ///< last visit(), "" if there was none
  std::string reason;    ///< for OutOfMemory, TooLong, Crashed, Killed: "HDF5 crashed on it (Segmentation fault)"

  bool slow = false;  ///< TooLong, as it was still at work when `stall` or `wall` was over: that is no damage

  /// Of these four: "damaged, at its journal: " and the reason; of Killed the reason alone; where it is slow, that it could not
  /// be looked at in that time.
  [[nodiscard]] std::string what_is_wrong() const;
};

/// For work that reads all of a file: more time for a long one. @param may_write  bytes of the longest file that the child may
/// make
[[nodiscard]] Limits limits_for(const std::filesystem::path& path, std::uint64_t may_write);

/// What a child did not do, as an exception. @param then  behind the text @throws mth5::FormatError, BusyError, FileError
[[noreturn]] void fail(const std::filesystem::path& path, const Outcome& outcome, const std::string& then = "");

/// Runs `body` in a forked child and waits for it, for at most about `limits.wall` and two seconds.
///
/// Forked and not executed anew: what is to be done with the file need not be put into arguments, tests and libraries can use it,
/// and a program that was replaced while it ran (an upgrade) still checks with its own code. That needs care, as another thread
/// (the log) may exist: what it held at the fork stays locked in the child for ever. So the child has a body that neither logs
/// nor uses stdio, glibc hands it a usable malloc, it blocks all signals until its own handlers are in place, and it ends by
/// _exit. No other thread may be inside HDF5, and no file may be open in it. The child closes all descriptors of its parent
/// (locks of the parent would otherwise outlive it in the child) and dies with it. Thread: main. @throws mth5::FileError if there
/// can be no child
[[nodiscard]] Outcome run(const std::function<std::string(Reports&)>& body, const Limits& limits = {}, const Watch& watch = {});

}  // namespace sandbox
