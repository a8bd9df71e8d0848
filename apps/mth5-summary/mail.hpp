#pragma once

#include <string>
#include <vector>

namespace summary {

/// A report as a mail: what is wrong as text, the page as an attachment.
struct Mail {
  std::vector<std::string> to;
  std::string subject, text, page;
  std::string page_name;  ///< of the attachment: 2026-05-01.html
};

/// RFC 5322 and MIME; who it is from, and when, the mail system says. Lines of at most 78 characters of ASCII.
[[nodiscard]] std::string message_of(const Mail& mail);
/// @throws cli::UsageError  it is no address, or one that would mean something else in a mail or to a program
void check_address(const std::string& address);

/// Full path of the program sendmail: of PATH, else /usr/sbin or /usr/lib. @throws mth5::FileError there is none
[[nodiscard]] std::string find_sendmail();
/// Gives it to `sendmail -t -i` and waits. @throws mth5::FileError it did not take it
void send(const std::string& sendmail, const Mail& mail);

}  // namespace summary
