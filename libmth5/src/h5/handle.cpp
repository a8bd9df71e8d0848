#include "h5/handle.hpp"

#include <cstdio>
#include <cstdlib>
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

}  // namespace

void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
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
  return message.text.empty() ? "HDF5 gave no reason" : message.text;
}

void report_close_failure(hid_t id) noexcept {
  std::fprintf(stderr, "libmth5: HDF5 object %lld could not be closed\n", static_cast<long long>(id));
}

}  // namespace mth5::h5
