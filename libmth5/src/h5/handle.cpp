#include "h5/handle.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>

namespace mth5::h5 {

namespace {

struct Message {
  std::string text;
};

// Walked from the innermost frame outwards: the first one has errno and the object, the others only how we got there.
herr_t keep_first(unsigned n, const H5E_error2_t* frame, void* out) noexcept {
  if (n == 0 && frame->desc != nullptr) {
    try {
      static_cast<Message*>(out)->text = frame->desc;
    } catch (const std::bad_alloc&) {
      return -1;
    }
  }
  return 0;
}

/// HDF5 advises h5clear, which cuts off what the journal would restore: nobody is to read that.
std::string without_advice(std::string text) {
  const auto from = text.find(" (may use <h5clear");
  if (from != std::string::npos) text.erase(from, text.find(')', from) - from + 1);
  return text;
}

/// "file write failed: time = …\n, filename = …, errno = 28, error message = 'No space left on device', buf = …" says twice what
/// every line of a log has anyway, and the rest is of use to HDF5 only.
std::string in_one_line(const std::string& text) {
  constexpr std::string_view kReason = "error message = '";
  const auto head = text.find(": time = ");
  const auto reason = text.find(kReason);
  if (head == std::string::npos || reason == std::string::npos) return text;
  const auto from = reason + kReason.size();
  return text.substr(0, head) + ": " + text.substr(from, text.find('\'', from) - from);
}

}  // namespace

void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    // A file that could not be closed (disk full) stays in the library's list half freed: closing it again at exit crashes. What
    // is ours is closed by its owner; without effect, and harmless, where the program has started the library before us.
    H5dont_atexit();
    unsetenv("HDF5_USE_FILE_LOCKING");
    check(H5open(), "HDF5: starting the library");
  });
  thread_local bool quiet = false;
  if (!quiet) {
    check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "HDF5: switching its printing off");
    quiet = true;
  }
}

std::string take_error_stack() {
  Message message;
  const hid_t stack = H5Eget_current_stack();  // also clears it
  if (stack < 0) return "HDF5 gave no reason";
  H5Ewalk2(stack, H5E_WALK_UPWARD, keep_first, &message);
  H5Eclose_stack(stack);
  return message.text.empty() ? "HDF5 gave no reason" : without_advice(in_one_line(message.text));
}

void refresh(Dataset& dataset, std::string_view what) {
  if (H5Drefresh(dataset.get()) >= 0) return;
  const auto reason = take_error_stack();
  if (H5Iis_valid(dataset.get()) <= 0) dataset.forget();
  throw FileError{std::string{what} + ": " + reason};
}

void report_close_failure(hid_t id) noexcept {
  try {
    std::fprintf(stderr, "libmth5: HDF5 object %lld could not be closed: %s\n", static_cast<long long>(id),
                 take_error_stack().c_str());
  } catch (const std::exception&) {  // no memory
    std::fprintf(stderr, "libmth5: HDF5 object %lld could not be closed\n", static_cast<long long>(id));
  }
}

}  // namespace mth5::h5
