#include "truth.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"

namespace sim {

namespace {

std::string quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

}  // namespace

Truth::Truth(std::string path, const daq::simulate::Instrument& instrument)
    : path_{std::move(path)}, n_values_{instrument.values.size()} {
  mth5::Descriptor fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
  if (!fd && errno == EEXIST) throw mth5::Error{path_ + ": exists already and is not overwritten; name another file"};
  if (!fd) throw mth5::Error{path_ + ": cannot be created: " + std::strerror(errno)};
  fd.reset();
  out_.open(path_, std::ios::binary);
  out_ << "index,time,stamp";
  for (const auto& name : instrument.values) out_ << ',' << name;
  out_ << ",what,bytes\n";
}

std::string Truth::begin_record(std::uint64_t index, const daq::simulate::Description& description,
                                std::optional<mth5::UtcNanos> stamp) const {
  std::string row = std::to_string(index);
  row += ',' + (description.time ? mth5::to_iso(*description.time) : std::string{});
  row += ',' + (stamp ? mth5::to_iso(*stamp) : std::string{});
  for (std::size_t i = 0; i < n_values_; ++i) {
    row += ',';
    if (i < description.values.size()) row += quoted(description.values[i]);
  }
  return row;
}

std::string Truth::begin_between() const { return std::string(2 + n_values_, ','); }

void Truth::write(const std::string& front, const std::string& what, std::size_t bytes) {
  out_ << front << ',' << what << ',' << bytes << '\n';
}

void Truth::close() {
  out_.close();
  if (!out_) throw mth5::Error{path_ + ": could not be written completely"};
}

}  // namespace sim
