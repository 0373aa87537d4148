# needs: perl
perl -e '
  $SIG{CHLD} = sub { while ((my $p = waitpid(-1, 1)) > 0) { push @s, $? >> 8 } };
  for my $c (1..3) { if (!fork) { select undef, undef, undef, 0.03 * $c; exit $c } }
  select undef, undef, undef, 0.1 while @s < 3;
  print join(" ", sort @s), "\n"; system("sh", "-c", "exit 4"); print $? >> 8, "\n"; print `echo hi`;'
