#include "mth5-summary/mail.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

#include "analysis/html/text.hpp"
#include "analysis/signals_wait.hpp"
#include "cli/cli.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace summary {

namespace {

constexpr std::string_view kBoundary = "=_mth5-summary_=";  // no line of Base64 has an underscore

/// Base64, 76 characters a line.
std::string encoded(std::string_view text) {
  const auto all = analysis::html::base64(text);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += 76) out += all.substr(at, 76) + "\n";
  return out;
}

/// A header whose text may have any letters (RFC 2047): words of at most 75 characters, none of which cuts a letter in two.
std::string header(std::string_view name, std::string_view text) {
  const bool plain = text.size() + name.size() < 76 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
                     text.find("=?") == std::string_view::npos;
  std::string out = std::string{name} + ":";
  if (plain) return out + " " + std::string{text} + "\n";
  while (!text.empty()) {
    auto n = std::min<std::size_t>(text.size(), 42);
    while (n < text.size() && n > 1 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
    out += " =?UTF-8?B?" + analysis::html::base64(text.substr(0, n)) + "?=\n";
    text.remove_prefix(n);
  }
  return out;
}

[[noreturn]] void fail(const std::string& what) { throw mth5::FileError{"mail: " + what}; }

}  // namespace

void check_address(const std::string& address) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"@._+-"}.find(c) != std::string_view::npos;
  };
  if (address.empty() || address.front() == '-' || !std::all_of(address.begin(), address.end(), good))
    throw cli::UsageError{"--mail: '" + address + "' is not an address, like office@example.org, or root"};
}

std::string message_of(const Mail& mail) {
  std::string out;
  for (const auto& to : mail.to) out += (out.empty() ? "To: " : ",\n ") + to;
  const std::string part = "--" + std::string{kBoundary};
  return out + "\n" + header("Subject", mail.subject) +
         "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"" +
         std::string{kBoundary} + "\"\n\n" + part +
         "\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\nContent-Disposition: inline\n\n" +
         encoded(mail.text) + part + "\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n" +
         "Content-Disposition: attachment; filename=\"" + mail.page_name + "\"\n\n" + encoded(mail.page) + part + "--\n";
}

std::string find_sendmail() {
  const char* path = std::getenv("PATH");
  std::string folders = std::string{path != nullptr ? path : ""} + ":/usr/sbin:/usr/lib";  // cron's PATH lacks /usr/sbin
  for (std::size_t begin = 0; begin <= folders.size();) {
    const auto end = std::min(folders.find(':', begin), folders.size());
    const auto folder = folders.substr(begin, end - begin);
    begin = end + 1;
    if (folder.empty() || folder.front() != '/') continue;
    auto program = folder + "/sendmail";
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  fail("there is no program sendmail: install a mail system that has one (dma, msmtp-mta, postfix), or leave out --mail");
}

void send(const std::string& sendmail, const Mail& mail) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(std::generic_category().message(errno));
  mth5::Descriptor read_end{ends[0]}, write_end{ends[1]};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, read_end.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // what it says is talk
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);  // which we ignore, and a child would too
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  std::optional<analysis::SignalsWait> wait{std::in_place};  // sendmail would send what it has of a message that breaks off
  posix_spawnattr_setsigmask(&attributes, &wait->before());
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::array<std::string, 3> words{sendmail, "-t", "-i"};
  std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = -1;
  const int error = posix_spawn(&child, sendmail.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(sendmail + " cannot be started: " + std::generic_category().message(error));
  read_end.reset();
  const auto message = message_of(mail);
  (void)mth5::write_all(write_end.get(), message);  // where it has ended, its status says why
  write_end.reset();
  wait.reset();
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) fail(sendmail + " was ended by signal " + std::to_string(WTERMSIG(status)) + ": nothing was sent");
  if (WEXITSTATUS(status) != 0)
    fail(sendmail + " did not take it (exit status " + std::to_string(WEXITSTATUS(status)) + "): see the log of the mail system");
}

}  // namespace summary
