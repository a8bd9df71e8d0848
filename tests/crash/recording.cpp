#include "recording.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace crash {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error{what}; }

std::size_t to_size(std::int64_t n) { return static_cast<std::size_t>(n); }

void read_note(Recording& recording, std::size_t at, const std::string& text) {
  const auto blank = text.find(' ');
  const std::string word = text.substr(0, blank), rest = blank == std::string::npos ? "" : text.substr(blank + 1);
  if (word == "try")
    recording.tries.emplace(at, State::from(rest));
  else if (word == "visible" || word == "durable")
    recording.acknowledged.push_back({at, std::stoll(rest), word == "durable"});
  else if (word == "from")
    recording.from = at;
  else
    fail("the log has a note that is not known: " + text);
}

}  // namespace

const Bytes* Disk::find(const std::string& name) const {
  const auto inode = names.find(name);
  if (inode == names.end()) return nullptr;
  const auto file = files.find(inode->second);
  return file == files.end() ? nullptr : &file->second;
}

void apply_call(const Event& event, Bytes& content) {
  switch (event.kind) {
    case Kind::Write: {
      const std::size_t at = to_size(event.offset), end = at + event.data_size;
      if (content.size() < end) content.resize(end);
      std::memcpy(content.data() + at, event.data, event.data_size);
      break;
    }
    case Kind::Resize:
      content.resize(to_size(event.size));
      break;
    case Kind::Allocate:
      content.resize(std::max(content.size(), to_size(event.offset + event.size)));
      break;
    default:
      break;
  }
}

bool is_name(const Event& event) {
  return (event.kind == Kind::Open && event.offset == 1) || event.kind == Kind::Rename || event.kind == Kind::Link ||
         event.kind == Kind::Unlink;
}

void Disk::apply(const Event& event) {
  if (is_content(event.kind)) return apply_call(event, files[event.inode]);
  if (!is_name(event)) return;
  const std::string text = event.text();
  if (event.kind == Kind::Open) {
    names[text] = event.inode;
    files[event.inode];
  } else if (event.kind == Kind::Unlink) {
    names.erase(text);
  } else {
    const auto end = text.find('\0');
    names[text.substr(end + 1)] = event.inode;
    if (event.kind == Kind::Rename) names.erase(text.substr(0, end));
  }
}

std::int64_t Recording::floor(std::size_t cut, bool merely_killed) const {
  std::int64_t newest = -1;
  for (const auto& mark : acknowledged)
    if (mark.event < cut && (mark.durable || merely_killed)) newest = std::max(newest, mark.commit);
  return newest;
}

void run_recorded(const fs::path& bin, const std::vector<std::string>& command, const std::string& pattern, const fs::path& log) {
  std::vector<std::string> environment;
  const auto value_of = [](const char* name) { return std::string{std::getenv(name) != nullptr ? std::getenv(name) : ""}; };
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view{*entry}.starts_with("ASAN_OPTIONS=")) environment.emplace_back(*entry);
  environment.push_back("LD_PRELOAD=" + (bin / "crash_recorder.so").string());
  environment.push_back("CRASH_FILE=" + pattern);
  environment.push_back("CRASH_LOG=" + log.string());
  // The recorder is in front of the sanitizer's library on purpose.
  environment.push_back("ASAN_OPTIONS=" + value_of("ASAN_OPTIONS") + ":verify_asan_link_order=0:detect_leaks=0");
  std::vector<std::string> arguments = command;
  arguments.front() = (bin / command.front()).string();
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  };
  const fs::path errors = log.string() + ".errors";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t child = 0;
  const int rc =
      posix_spawn(&child, arguments.front().c_str(), &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) fail(arguments.front() + ": " + std::generic_category().message(rc));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("waitpid failed");
  const Bytes said = read_bytes(errors);
  fs::remove(errors);
  if (status != 0)
    fail(command.front() + ": wait status " + std::to_string(status) +
         " while it was recorded: " + std::string{said.begin(), said.end()});
}

Recording load_log(const fs::path& log, const fs::path& target) {
  Recording recording;
  recording.target = target.string();
  recording.bytes = read_bytes(log);
  std::size_t at = 0;
  while (at < recording.bytes.size()) {
    EventHeader header;
    if (recording.bytes.size() - at < sizeof header) fail(log.string() + ": ends inside an event");
    std::memcpy(&header, recording.bytes.data() + at, sizeof header);
    at += sizeof header;
    if (header.magic != kEventMagic || header.payload > recording.bytes.size() - at) fail(log.string() + ": is damaged");
    const Event event{header.kind, header.inode, header.offset, header.size, recording.bytes.data() + at, header.payload};
    at += header.payload;
    if (event.kind == Kind::Refused) fail("images cannot be made of a program that calls " + event.text());
    if (event.kind == Kind::Note) read_note(recording, recording.events.size(), event.text());
    recording.events.push_back(event);
  }
  return recording;
}

void require_complete(const Recording& recording, Disk disk) {
  for (const auto& event : recording.events) disk.apply(event);
  const Bytes* const recorded = disk.find(recording.target);
  if (recorded == nullptr) fail(recording.target + ": was never given that name, says the recording");
  if (*recorded != read_bytes(recording.target)) fail(recording.target + ": the recorder has not seen all that was written");
}

std::size_t user_block_of(const Bytes& content) {
  static constexpr char kSignature[] = "\x89HDF\r\n\x1a\n";
  for (std::size_t at = 0; at + 8 <= content.size(); at = at == 0 ? 512 : at * 2)
    if (std::memcmp(content.data() + at, kSignature, 8) == 0) return at;
  return 0;
}

Bytes read_bytes(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(path.string() + ": " + std::generic_category().message(errno));
  Bytes bytes(fs::file_size(path));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(fd, bytes.data() + done, bytes.size() - done);
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  close(fd);
  if (done != bytes.size()) fail(path.string() + ": could not be read");
  return bytes;
}

void write_sparse(const fs::path& path, const Bytes& content) {
  static constexpr std::size_t kPiece = 64 * 1024;
  static constexpr char kZeros[kPiece] = {};
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool good = fd >= 0 && ftruncate(fd, static_cast<off_t>(content.size())) == 0;
  for (std::size_t at = 0; good && at < content.size(); at += kPiece) {
    const std::size_t n = std::min(kPiece, content.size() - at);
    if (std::memcmp(content.data() + at, kZeros, n) != 0)
      good = pwrite(fd, content.data() + at, n, static_cast<off_t>(at)) == static_cast<ssize_t>(n);
  }
  if (fd >= 0) close(fd);
  if (!good) fail(path.string() + ": cannot be written: " + std::generic_category().message(errno));
}

}  // namespace crash
